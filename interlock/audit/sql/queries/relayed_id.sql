-- Where that very seal was brought here.
SELECT id FROM audit.witnessed WHERE journal = $1 AND number = $2 AND digest = $3
