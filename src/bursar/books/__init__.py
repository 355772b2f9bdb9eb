"""The verbs: grant, hold, settle, release, close. Where pricing and terms meet the ledger."""

from bursar.books.books import Books
from bursar.books.spending import Admission, Ask, Spender

__all__ = ["Admission", "Ask", "Books", "Spender"]
