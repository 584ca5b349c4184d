"""The `interlock` command: reads arguments, calls the other rooms, prints what they say; decides nothing itself."""
