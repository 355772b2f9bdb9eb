"""What an answer warns of: soft amounts of limits that the call passed."""

from __future__ import annotations

from bursar.ledger.postings import Posting

HEADER = b"x-bursar-warning"


def warnings(held: Posting) -> list[tuple[bytes, bytes]]:
    """A header for each limit whose soft amount is passed while the hold stands: "soft limit passed: …"."""
    return [(HEADER, b"soft limit passed: " + _safe(limit)) for limit in held.warns]


def _safe(text: str) -> bytes:
    """A text as a header's value: nothing that ends a line, and nothing but ASCII."""
    return "".join(letter if letter.isprintable() else "?" for letter in text).encode("ascii", "replace")
