"""Accounts, postings, holds and `decide()`. Pure: knows no tokens, no prices, no SQL, no clock."""
