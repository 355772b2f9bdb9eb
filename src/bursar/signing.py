"""Signed texts: Ed25519 (RFC 8037) in JWS compact form (RFC 7515), and the keys that this Bursar signs with.

The keys are files in the data folder, one each, for its owner alone. The first is made when it is first needed. After
a rotation the key before is kept without its secret part: what it signed can be verified for ever, and nobody can
sign with it any more. Whoever verifies needs the public keys and nothing else of Bursar: any JOSE library does it.
"""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import msgspec

from bursar.refusals import Refused, Why, field_invalid, refuse

FOLDER = "signing"
ALGORITHM = "Ed25519"
"""The name of RFC 9864: the older "EdDSA" leaves open which curve is meant."""
Jwks = Mapping[str, Sequence[Mapping[str, Any]]]
"""A JWK set (RFC 7517) as JSON has it: `{"keys": [{"kty": "OKP", …}, …]}`."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key as a JWK. `kid` is the key's thumbprint (RFC 7638), `created_us` when it was made."""

    kty: str
    crv: str
    alg: str
    use: str
    kid: str
    x: str
    created_us: int


class _Kept(PublicKey, frozen=True, kw_only=True, omit_defaults=True):
    """A key as its file has it: with its secret part, `d`, as long as it signs."""

    d: str = ""

    def __repr__(self) -> str:
        return f"_Kept(kid={self.kid!r})"

    def told(self) -> PublicKey:
        return PublicKey(**{name: getattr(self, name) for name in PublicKey.__struct_fields__})


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str
    kid: str
    typ: str


class SigningKeys:
    """The keys in a folder. Threads may share one; so may processes that share the folder."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        """`clock` tells the instant in microseconds since 1970 UTC."""
        self._folder = folder
        self._clock = clock
        self._turn = Lock()

    def sign(self, payload: bytes, typ: str) -> str:
        """Sign bytes as a compact JWS. `typ` says what they are; `verify` asks for the same."""
        from joserfc import jws  # noqa: PLC0415 - slow to import, and seldom needed
        from joserfc.jwk import OKPKey  # noqa: PLC0415

        key = self._current()
        secret = OKPKey.import_key({"kty": key.kty, "crv": key.crv, "x": key.x, "d": key.d})
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": typ}
        return jws.serialize_compact(header, payload, secret, algorithms=[ALGORITHM])

    def public(self) -> list[PublicKey]:
        """All public keys, the newest first: that one signs, the others did."""
        self._current()
        return [key.told() for key in self._read()]

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """All public keys as a JWK set."""
        return {"keys": [msgspec.to_builtins(key) for key in self.public()]}

    def rotate(self) -> PublicKey:
        """Sign with a new key from now on, and forget the secret parts of the others."""
        with self._turn:
            old = self._read()
            made = self._make(old)
            for key in old:
                if key.d:
                    self._write(msgspec.structs.replace(key, d=""))
            return made.told()

    def _current(self) -> _Kept:
        """The key to sign with; the first is made here."""
        with self._turn:
            kept = self._read()
            return next((key for key in kept if key.d), None) or self._make(kept)

    def _read(self) -> list[_Kept]:
        kept = []
        for path in self._folder.glob("*.json"):
            try:
                kept.append(msgspec.json.decode(path.read_bytes(), type=_Kept))
            except (OSError, msgspec.MsgspecError):
                problem = f"has a key, {path.name}, that cannot be read"
                raise Refused(refuse(Why.DATA_FOLDER, folder=self._folder, problem=problem)) from None
        return sorted(kept, key=lambda key: key.created_us, reverse=True)

    def _make(self, others: list[_Kept]) -> _Kept:
        from joserfc.jwk import OKPKey  # noqa: PLC0415

        made = OKPKey.generate_key("Ed25519")
        numbers = made.as_dict(private=True)
        key = _Kept(
            kty="OKP",
            crv="Ed25519",
            alg=ALGORITHM,
            use="sig",
            kid=made.thumbprint(),
            x=str(numbers["x"]),
            d=str(numbers["d"]),
            created_us=max([self._clock(), *(other.created_us + 1 for other in others)]),
        )
        self._write(key)
        return key

    def _write(self, key: _Kept) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(self._folder / f"{key.kid}.json", msgspec.json.encode(key))
        except OSError:
            raise Refused(refuse(Why.DATA_FOLDER, folder=self._folder, problem="cannot be written")) from None


def write_durably(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all, so that it survives a power cut. Raises OSError."""
    draft = path.with_suffix(f".{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def verify(text: str, jwks: Jwks, typ: str) -> bytes:
    """What was signed, if one of these public keys signed it as `typ`; blanks around the text do no harm.

    Raises Refused: SIGNATURE_INVALID, SIGNING_KEY_UNKNOWN, SIGNED_AS_OTHER. Of one content and key there is only one
    text that is taken, to the last bit.
    """
    from joserfc import jws  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import OKPKey  # noqa: PLC0415

    text = text.strip()
    header = _header_of(text)
    known = {str(key.get("kid")): key for key in jwks["keys"]}
    if header.kid not in known:
        raise Refused(refuse(Why.SIGNING_KEY_UNKNOWN, key=header.kid, known=", ".join(known) or "none"))
    try:
        public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": str(known[header.kid]["x"])})
        payload = jws.deserialize_compact(text, public, algorithms=[ALGORITHM]).payload
    except (JoseError, ValueError, KeyError):
        _wrong("it was not made with the key that it names for what it is under")
    if header.typ != typ:
        raise Refused(refuse(Why.SIGNED_AS_OTHER, signed_as=header.typ, right=typ))
    assert payload is not None, "a compact JWS has its payload"
    return payload


def read_keys(text: str | bytes) -> Jwks:
    """Public keys from a file's text: a JWK, or a JWK set. Raises Refused(FIELD_INVALID)."""
    try:
        read = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        read = None
    found = read.get("keys", [read]) if isinstance(read, dict) else None
    right = isinstance(found, list) and all(
        isinstance(key, dict) and key.get("crv") == "Ed25519" and {"kid", "x"} <= key.keys() for key in found
    )
    if not found or not right:
        problem = "a JWK or a JWK set with Ed25519 keys, as /.well-known/bursar-keys.json has"
        raise field_invalid("keys", "something else", problem)
    return {"keys": found}


def _header_of(text: str) -> _Header:
    parts = text.split(".")
    if len(parts) != 3 or not all(_is_canonical(part) for part in parts):
        _wrong("it is not a JWS in compact form")
    try:
        header = msgspec.json.decode(urlsafe_b64decode(parts[0] + "=="), type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        _wrong("its header is not one that a Bursar writes")
    if header.alg != ALGORITHM:
        _wrong(f"its algorithm is {header.alg!r}, not {ALGORITHM}")
    return header


def _is_canonical(part: str) -> bool:
    """Whether a part is base64url as it is written, and not another text that decodes to the same."""
    try:
        return urlsafe_b64encode(urlsafe_b64decode(part + "==")).decode().rstrip("=") == part
    except ValueError:
        return False


def _wrong(problem: str) -> NoReturn:
    raise Refused(refuse(Why.SIGNATURE_INVALID, problem=problem)) from None
