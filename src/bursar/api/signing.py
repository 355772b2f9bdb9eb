"""The keys that this Bursar signs with."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.di import NamedDependency

from bursar.api.access import ADMINISTRATOR, PERSON
from bursar.api.routes import route
from bursar.periods import iso
from bursar.signing import PublicKey, SigningKeys


class SigningKeyAnswer(msgspec.Struct, frozen=True):
    """A key: its id, when it was made, whether it signs now, and its public part as a JWK."""

    key: str
    created: str
    signs: bool
    jwk: dict[str, Any]

    @classmethod
    def of(cls, key: PublicKey, *, signs: bool) -> SigningKeyAnswer:
        """What is told of a key."""
        return cls(key.kid, iso(key.created_us), signs, msgspec.to_builtins(key))


@route("GET /signing/keys", PERSON)
def list_signing_keys(signing_keys: NamedDependency[SigningKeys]) -> list[SigningKeyAnswer]:
    """The keys, the newest first: it signs, the others did. What they signed is verified with their public parts."""
    return [SigningKeyAnswer.of(key, signs=not older) for older, key in enumerate(signing_keys.public())]


@route("POST /signing/rotate", ADMINISTRATOR, status=200)
def rotate_signing_key(signing_keys: NamedDependency[SigningKeys]) -> SigningKeyAnswer:
    """Sign with a new key from now on. The one before stays known, and cannot be signed with any more."""
    return SigningKeyAnswer.of(signing_keys.rotate(), signs=True)


ROUTES = (list_signing_keys, rotate_signing_key)
