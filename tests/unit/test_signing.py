"""Signing keys: made at first use, rotated, kept; and texts that verify, or are refused by name."""

from __future__ import annotations

import random
import stat
from base64 import urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bursar.refusals import Refused, Why
from bursar.signing import FOLDER, Jwks, SigningKeys, read_keys, verify
from tests.support.clock import VirtualClock

TYP = "bursar-test+json"
SAID = '{"said":"Größe"}'.encode()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. \n"


@pytest.fixture
def keys(tmp_path: Path, clock: VirtualClock) -> SigningKeys:
    return SigningKeys(tmp_path / FOLDER, clock)


def refused(action: Callable[[], object]) -> Why:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value.refusal.why


def test_what_was_signed_comes_back(keys: SigningKeys) -> None:
    text = keys.sign(SAID, TYP)
    assert verify(text, keys.jwks(), TYP) == SAID
    assert verify(f"\n  {text}\r\n", keys.jwks(), TYP) == SAID
    assert keys.sign(SAID, TYP) == text, "Ed25519 is deterministic"


def test_another_implementation_verifies_it(keys: SigningKeys) -> None:
    """By the letter of RFC 7515: the signature is over the first two parts as they are written."""
    text = keys.sign(SAID, TYP)
    signed, _, signature = text.rpartition(".")
    public = Ed25519PublicKey.from_public_bytes(_decoded(keys.public()[0].x))
    public.verify(_decoded(signature), signed.encode())
    assert msgspec.json.decode(_decoded(text.partition(".")[0])) == {
        "alg": "Ed25519",
        "kid": keys.public()[0].kid,
        "typ": TYP,
    }


def test_the_first_key_is_made_when_it_is_needed_and_kept(tmp_path: Path, keys: SigningKeys) -> None:
    assert not (tmp_path / FOLDER).exists()
    text = keys.sign(SAID, TYP)
    again = SigningKeys(tmp_path / FOLDER, lambda: 0)
    assert again.public() == keys.public()
    assert verify(text, again.jwks(), TYP) == SAID


def test_files_are_their_owners_alone(tmp_path: Path, keys: SigningKeys) -> None:
    keys.sign(SAID, TYP)
    keys.rotate()
    folder = tmp_path / FOLDER
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600, 0o600]


def test_after_a_rotation_the_old_key_verifies_and_signs_no_more(tmp_path: Path, keys: SigningKeys) -> None:
    before = keys.sign(SAID, TYP)
    (old,) = keys.public()
    new = keys.rotate()
    after = keys.sign(SAID, TYP)
    assert [key.kid for key in keys.public()] == [new.kid, old.kid]
    assert new.created_us > old.created_us, "even in the same instant"
    assert verify(before, keys.jwks(), TYP) == verify(after, keys.jwks(), TYP) == SAID
    assert before != after
    secret = {path.stem: b'"d"' in path.read_bytes() for path in (tmp_path / FOLDER).iterdir()}
    assert secret == {new.kid: True, old.kid: False}


def test_no_secret_is_told(tmp_path: Path, keys: SigningKeys) -> None:
    (key,) = keys.public()
    kept = msgspec.json.decode((tmp_path / FOLDER / f"{key.kid}.json").read_bytes())
    for told in (repr(keys.public()), repr(keys.jwks()), repr(keys._read())):
        assert kept["d"] not in told


def test_a_key_that_was_copied_without_its_secret_is_followed_by_a_new_one(tmp_path: Path, keys: SigningKeys) -> None:
    (old,) = keys.public()
    (tmp_path / FOLDER / f"{old.kid}.json").write_bytes(msgspec.json.encode(old))
    text = keys.sign(SAID, TYP)
    assert len(keys.public()) == 2
    assert verify(text, keys.jwks(), TYP) == SAID


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path, keys: SigningKeys) -> None:
    keys.rotate()
    (tmp_path / FOLDER / "broken.json").write_text("{")
    with pytest.raises(Refused, match=r"broken\.json"):
        keys.sign(SAID, TYP)


def test_many_at_once_make_one_key(tmp_path: Path, clock: VirtualClock) -> None:
    keys = SigningKeys(tmp_path / FOLDER, clock)
    with ThreadPoolExecutor(16) as pool:
        texts = set(pool.map(lambda _: keys.sign(SAID, TYP), range(64)))
    assert (len(texts), len(keys.public())) == (1, 1)


def test_processes_that_share_a_folder_know_each_others_keys(tmp_path: Path, clock: VirtualClock) -> None:
    nodes = [SigningKeys(tmp_path / FOLDER, clock) for _ in range(2)]

    def work(index: int) -> list[str]:
        texts = []
        for turn in range(20):
            texts.append(nodes[index].sign(SAID, TYP))
            if turn % 5 == 4:
                nodes[index].rotate()
        return texts

    with ThreadPoolExecutor(2) as pool:
        texts = [text for made in pool.map(work, range(2)) for text in made]
    assert nodes[0].jwks() == nodes[1].jwks()
    assert {verify(text, node.jwks(), TYP) for text in texts for node in nodes} == {SAID}
    assert len({path.suffix for path in (tmp_path / FOLDER).iterdir()}) == 1, "no drafts are left"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("")
    keys = SigningKeys(tmp_path / "file" / "signing", clock)
    assert refused(lambda: keys.sign(SAID, TYP)) is Why.DATA_FOLDER


def test_another_type_is_refused(keys: SigningKeys) -> None:
    text = keys.sign(SAID, TYP)
    assert refused(lambda: verify(text, keys.jwks(), "bursar-other+json")) is Why.SIGNED_AS_OTHER


def test_a_strangers_key_is_refused(tmp_path: Path, keys: SigningKeys, clock: VirtualClock) -> None:
    stranger = SigningKeys(tmp_path / "stranger", clock)
    text = stranger.sign(SAID, TYP)
    assert refused(lambda: verify(text, keys.jwks(), TYP)) is Why.SIGNING_KEY_UNKNOWN
    assert refused(lambda: verify(text, {"keys": []}, TYP)) is Why.SIGNING_KEY_UNKNOWN
    renamed: Jwks = {"keys": [{**keys.jwks()["keys"][0], "kid": stranger.public()[0].kid}]}
    assert refused(lambda: verify(text, renamed, TYP)) is Why.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"none","kid":"KID","typ":"TYP"}',
        '{"alg":"HS256","kid":"KID","typ":"TYP"}',
        '{"alg":"EdDSA","kid":"KID","typ":"TYP"}',
        '{"alg":"Ed25519","kid":"KID","typ":"TYP","crit":["b64"],"b64":false}',
        '{"alg":"Ed25519","kid":"KID","typ":"TYP","jwk":{"kty":"OKP"}}',
        '{"alg":"Ed25519","typ":"TYP"}',
        '["Ed25519"]',
        "",
    ],
)
def test_a_header_that_bursar_does_not_write_is_refused(keys: SigningKeys, header: str) -> None:
    _, payload, signature = keys.sign(SAID, TYP).split(".")
    header = header.replace("KID", keys.public()[0].kid).replace("TYP", TYP)
    text = f"{urlsafe_b64encode(header.encode()).decode().rstrip('=')}.{payload}.{signature}"
    assert refused(lambda: verify(text, keys.jwks(), TYP)) is Why.SIGNATURE_INVALID


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "a.b.c.d", "ä.ö.ü", "\0.\0.\0"])
def test_what_is_no_signed_text_is_refused(keys: SigningKeys, text: str) -> None:
    assert refused(lambda: verify(text, keys.jwks(), TYP)) is Why.SIGNATURE_INVALID


def test_one_letter_changed_anywhere_is_refused(keys: SigningKeys) -> None:
    """Every place of the text, each with a random other letter; the bits that base64 leaves unused, too."""
    text, jwks = keys.sign(SAID, TYP), keys.jwks()
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    for at, was in enumerate(text):
        letter = choose.choice([each for each in LETTERS if each != was])
        with pytest.raises(Refused):
            verify(text[:at] + letter + text[at + 1 :], jwks, TYP)
    last = [text[:-1] + letter for letter in LETTERS if letter not in {text[-1], " ", "\n"}]
    assert {refused(lambda changed=changed: verify(changed, jwks, TYP)) for changed in last} == {  # type: ignore[misc]
        Why.SIGNATURE_INVALID
    }


def test_keys_are_read_from_a_key_or_a_set(keys: SigningKeys) -> None:
    text = keys.sign(SAID, TYP)
    whole = msgspec.json.encode(keys.jwks())
    one = msgspec.json.encode(keys.jwks()["keys"][0])
    assert verify(text, read_keys(whole), TYP) == verify(text, read_keys(one.decode()), TYP) == SAID


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"keys":[]}', '{"keys":{}}', '{"keys":[1]}', '{"kty":"RSA","kid":"a","n":"b"}', b"\xff"],
)
def test_what_has_no_keys_is_refused(text: str | bytes) -> None:
    assert refused(lambda: read_keys(text)) is Why.FIELD_INVALID


def _decoded(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "==")
