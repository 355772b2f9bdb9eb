"""What a plan promises. Pure rules; knows no ledger, no database, no tokens."""
