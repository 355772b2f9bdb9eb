"""What people and finance read: balances, statements, calls, postings. Read-only."""
