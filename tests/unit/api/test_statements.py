"""Statements that are given out: signed, kept, the same again, replaced when something has changed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import httpx

from bursar.document import Content, verified
from bursar.signing import read_keys
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DOLLAR = 10**9
DAY_S = 86_400


def given(who: httpx.Client, email: str, **wanted: object) -> httpx.Response:
    answer = who.post(f"/people/{email}/statements", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer


def read(api: Api, file: bytes) -> Content:
    jwks = {"keys": [key["jwk"] for key in api.operator.get("/signing/keys").json()]}
    return verified(file, read_keys(json.dumps(jwks)))


def test_it_says_what_the_statement_says_and_is_signed(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    answer = given(api.operator, ada)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="statement-2026-11.json"'
    content = read(api, answer.content)
    assert content.statement == api.operator.get(f"/people/{ada}/statement").json()
    assert (content.document.number, content.document.replaces) == (1, None)
    assert content.document.issued == "2026-11-01T00:00:00Z"


def test_all_forms_carry_the_same_document(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    files = [given(api.operator, ada, format=form).content for form in ("json", "html", "pdf")]
    contents = [read(api, file) for file in files]
    assert contents[0] == contents[1] == contents[2]
    assert [file[:9] for file in files] == [b'{\n  "docu', b"<!doctype", b"%PDF-1.7\n"]
    assert len(api.operator.get(f"/people/{ada}/statements").json()) == 1


def test_asked_for_again_it_is_the_same_to_the_byte(api: Api, ada: str, clock: VirtualClock) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    first = [given(api.operator, ada, format=form).content for form in ("json", "html", "pdf")]
    clock.advance(DAY_S)
    assert [given(api.operator, ada, format=form).content for form in ("json", "html", "pdf")] == first


def test_when_something_has_changed_a_new_one_names_the_old_and_both_stay_valid(
    api: Api, ada: str, clock: VirtualClock
) -> None:
    first = given(api.operator, ada).content
    clock.advance(DAY_S)
    api.call(ada, "a-1", 3 * DOLLAR)
    second = given(api.operator, ada).content
    old, new = read(api, first), read(api, second)
    assert (new.document.number, new.document.replaces) == (2, old.document.id)
    assert (old.statement["spent"], new.statement["spent"]) == ("0.00", "3.00")
    listed = api.operator.get(f"/people/{ada}/statements").json()
    assert [(one["id"], one["number"], one["replaces"]) for one in listed] == [
        (old.document.id, 1, None),
        (new.document.id, 2, old.document.id),
    ]
    again = api.operator.get(f"/people/{ada}/statements/{old.document.id}")
    assert again.content == first
    page = given(api.operator, ada, format="html").text
    assert f"It replaces {old.document.id}, which stays valid" in page


def test_a_key_that_was_rotated_away_still_vouches_for_what_it_signed(api: Api, ada: str) -> None:
    file = given(api.operator, ada, format="pdf").content
    document = read(api, file).document
    api.operator.post("/signing/rotate")
    assert read(api, file).document == document
    again = given(api.operator, ada, format="pdf").content
    assert read(api, again).document == document, "the page is sealed anew, the document is the one that was kept"


def test_a_person_gets_their_own_and_nobody_elses(api: Api, ada: str) -> None:
    bert = api.person("Bert")
    own, others = api.client(api.key(ada)), api.client(api.key(bert))
    document = read(api, given(own, ada).content).document
    assert refused(others.post(f"/people/{ada}/statements", json={})) == (403, "role_missing", None)
    assert refused(others.get(f"/people/{ada}/statements")) == (403, "role_missing", None)
    assert refused(others.get(f"/people/{ada}/statements/{document.id}")) == (403, "role_missing", None)
    assert refused(others.get(f"/people/{bert}/statements/{document.id}")) == (404, "unknown", None)


def test_what_cannot_be_given_out_is_refused_by_name(api: Api, ada: str) -> None:
    post = api.operator.post
    assert refused(post(f"/people/{ada}/statements", json={"format": "docx"})) == (400, "field_invalid", "format")
    assert refused(post(f"/people/{ada}/statements", json={"period": "2020-01"})) == (404, "unknown", None)
    assert refused(post(f"/people/{api.person('Bert')}/statements", json={})) == (402, "no_grant", None)


class Page(HTMLParser):
    """What a page loads or links to, and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action"}]

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_page_needs_nothing_from_elsewhere_and_does_nothing_with_names(api: Api) -> None:
    email = "eve@example.com"
    api.made("/people", email=email, name="<script>alert(1)</script> & Eve")
    api.made("/plans", toml='name = "engineers"\namount = "2000.00"\n')
    api.made("/grants", person=email, plan="engineers")
    api.call(email, "a-1", 3 * DOLLAR)
    text = given(api.operator, email, format="html").text
    page = Page(text)
    assert [link[:29] for link in page.links] == ["data:application/json;base64,"]
    assert "script" not in page.tags
    assert "<script>alert(1)</script> & Eve" in page.said
    assert "url(" not in text
    assert "$1,997.00" in page.said
    assert not re.search(r"\{\{|\{%", page.said)


PAY = "email,effective,base,bonus,equity,currency\nada@example.com,2026-01-01,275000,50000,50000,USD\n"
RICH = 'name = "rich"\namount = "100000.00"\nschedule = "annual"\n'


def test_total_compensation_is_on_it_for_the_person_and_for_finance(api: Api) -> None:
    """The token budget of mission.md: $375,000 and $100,000 come to $475,000, of which it is 21.05 %."""
    email = api.person("Ada")
    api.made("/plans", toml=RICH)
    api.made("/grants", person=email, plan="rich")
    assert api.operator.post("/pay", json={"csv": PAY}).status_code == 200
    own = api.client(api.key(email))
    administrator = api.client(str(api.made("/keys", role="administrator")["secret"]))
    plainly = given(own, email).content
    with_pay = given(own, email, pay=True).content
    assert read(api, plainly).statement["compensation"] is None
    assert read(api, with_pay).statement["compensation"] == {
        "day": "2026-12-31",
        "base": "275000.00",
        "bonus": "50000.00",
        "equity": "50000.00",
        "tokens": "100000.00",
        "total": "475000.00",
        "tokens_share_bps": 2105,
    }
    page = given(own, email, pay=True, format="html").text
    assert "Token budget, 21.05 % of the whole" in page
    assert "$475,000.00" in page
    assert read(api, given(own, email, pay=True, format="pdf").content) == read(api, with_pay)
    assert given(own, email).content == plainly, "the two are documents of their own"
    assert refused(administrator.post(f"/people/{email}/statements", json={"pay": True}))[1] == "role_missing"
    assert refused(administrator.get(f"/people/{email}/statement", params={"pay": "true"}))[1] == "role_missing"
    seen = administrator.get(f"/people/{email}/statements").json()
    assert [one["id"] for one in seen] == [read(api, plainly).document.id]
    hidden = read(api, with_pay).document
    assert (hidden.number, hidden.replaces) == (2, None)
    assert refused(administrator.get(f"/people/{email}/statements/{hidden.id}"))[1] == "role_missing"
    assert own.get(f"/people/{email}/statements/{hidden.id}").content == with_pay
