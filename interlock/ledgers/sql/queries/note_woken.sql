SELECT ledger.note_woken($1)
