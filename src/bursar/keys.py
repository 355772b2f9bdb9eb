"""Keys: what they look like, and how one is known again.

A key is `bsr_`, 160 random bits, and a checksum, in lower-case base 32. It is shown once, when it is made; what is
kept is the SHA-256 of the whole, which is enough because the bits are random: there is nothing to guess or stretch.
The checksum tells a mistyped key from an unknown one without asking the database.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode

PREFIX = "bsr_"
RANDOM_BYTES = 20
CHECKSUM_LENGTH = 5
KEY_LENGTH = len(PREFIX) + RANDOM_BYTES * 8 // 5 + CHECKSUM_LENGTH


def new_key() -> str:
    """A new secret key."""
    body = PREFIX + b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()
    return body + _checksum(body)


def looks_right(key: str) -> bool:
    """Whether the text has a key's form and its checksum agrees."""
    if len(key) != KEY_LENGTH or not key.startswith(PREFIX) or not key.isascii():
        return False
    return _checksum(key[:-CHECKSUM_LENGTH]) == key[-CHECKSUM_LENGTH:]


def key_digest(key: str) -> bytes:
    """What is kept of a key, and what it is looked up by."""
    return hashlib.sha256(key.encode()).digest()


def shown(key: str) -> str:
    """How a key is shown after it was made: enough to tell it from others, too little to use."""
    return f"{key[:8]}…{key[-4:]}"


def _checksum(body: str) -> str:
    return b32encode(hashlib.sha256(body.encode()).digest()).decode()[:CHECKSUM_LENGTH].lower()
