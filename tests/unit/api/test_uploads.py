"""Reports of any length, in parts; and the same log of two people."""

from __future__ import annotations

from typing import Any

from tests.support.books import assert_proved
from tests.unit.api.conftest import Api, refused
from tests.unit.api.test_imports import COST, granted, lot, record, report, states


def uploaded(api: Api, *parts: list[dict[str, Any]], client: Any = None, **about: Any) -> dict[str, Any]:
    """A report sent in parts, and taken to its end; what came of it."""
    client = client or api.operator
    upload = client.post("/uploads", json={"source": "claude-code", **about}).json()["id"]
    for n, records in enumerate(parts):
        assert client.post(f"/uploads/{upload}/parts", json={"n": n, "records": records}).status_code == 200
    while (progress := client.post(f"/uploads/{upload}/take", json={"parts": len(parts)}).json())["done"] < len(
        parts
    ):
        pass
    again = client.post(f"/uploads/{upload}/take", json={"parts": len(parts)}).json()
    assert again == progress, "whoever asks again is told the same"
    taken: dict[str, Any] = progress["taken"]
    return taken


def test_a_report_in_parts_is_one_import(api: Api) -> None:
    ada = granted(api, "Ada")
    taken = uploaded(api, [record("a"), record("b")], [record("c", model="claude-next")], person=ada, name="long")
    assert (taken["records"], taken["added"], taken["cost"]) == (3, 3, "0.021")
    assert taken["states"] == {"charged": 2, "unpriced": 1}
    assert taken["models"] == ["claude-next"]
    assert lot(api, ada) == ("9.979", "0.021")
    [made] = api.operator.get("/imports").json()
    assert (made["id"], made["name"], made["records"], made["added"]) == (taken["import_id"], "long", 3, 3)
    assert (made["states"], made["cost"], made["charged"]) == ({"charged": 2, "unpriced": 1}, "0.021", "0.021")
    assert api.operator.get("/imports", params={"brief": True}).json()[0]["states"] == {}
    assert_proved(api.books.database)


def test_nothing_of_what_is_not_whole_is_anywhere(api: Api) -> None:
    ada = granted(api, "Ada")
    upload = api.operator.post("/uploads", json={"source": "claude-code", "person": ada}).json()["id"]
    for n in (0, 2):
        api.operator.post(f"/uploads/{upload}/parts", json={"n": n, "records": [record(f"k{n}")]})
    status, why, field = refused(api.operator.post(f"/uploads/{upload}/take", json={"parts": 3}))
    assert (status, why, field) == (400, "field_invalid", "parts")
    assert (api.operator.get("/imports").json(), states(api)) == ([], {})
    assert lot(api, ada) == ("10.00", "0.00")
    api.operator.post(f"/uploads/{upload}/parts", json={"n": 1, "records": [record("k1")]})
    assert api.operator.post(f"/uploads/{upload}/take", json={"parts": 3}).json()["taken"]["added"] == 3
    late = api.operator.post(f"/uploads/{upload}/parts", json={"n": 3, "records": [record("k3")]})
    assert refused(late)[1:] == ("field_invalid", "n")
    assert refused(api.operator.post(f"/uploads/{upload}/take", json={"parts": 4}))[2] == "parts"


def test_an_upload_is_whose_it_is(api: Api) -> None:
    ada, bert = granted(api, "Ada"), granted(api, "Bert")
    hers, his = api.client(api.key(ada)), api.client(api.key(bert))
    upload = hers.post("/uploads", json={"source": "claude-code"}).json()["id"]
    part = {"n": 0, "records": [record("a", person=bert)]}
    assert refused(his.post(f"/uploads/{upload}/parts", json=part))[:2] == (404, "unknown")
    assert refused(his.post(f"/uploads/{upload}/take", json={"parts": 1}))[:2] == (404, "unknown")
    assert refused(hers.post("/uploads", json={"source": "claude-code", "person": bert}))[1] == "role_missing"
    limited = api.client(api.key(ada, limit="1.00"))
    assert refused(limited.post("/uploads", json={"source": "claude-code"}))[1] == "role_missing"
    assert uploaded(api, [record("a", person=bert)], client=hers)["states"] == {"charged": 1}
    assert (lot(api, ada)[1], lot(api, bert)[1]) == (COST, "0.00")


def test_a_long_report_is_taken_whole(api: Api) -> None:
    ada = granted(api, "Ada")
    told = [record(f"k{number}", output_tokens=number) for number in range(1_100)]
    taken = report(api, *told, *told[:50], person=ada)
    assert (taken["records"], taken["added"], taken["states"]) == (1_100, 1_100, {"charged": 1_100})
    assert lot(api, ada)[1] == taken["cost"]
    assert [made["records"] for made in api.operator.get("/imports").json()] == [1_100]
    assert_proved(api.books.database)


def test_the_same_log_of_two_people(api: Api) -> None:
    """It is the first one's; the second is told; an administrator may say that it is the second one's."""
    ada, bert = granted(api, "Ada"), granted(api, "Bert", amount="0.02")
    hers, his = api.client(api.key(ada)), api.client(api.key(bert))
    body = {"source": "claude-code", "records": [record("a"), record("b")]}
    assert hers.post("/usage", json=body).json()["states"] == {"charged": 2}
    told = his.post("/usage", json=body | {"records": [*body["records"], record("c")]}).json()
    assert told["states"] == {"charged": 1, "others": 2}
    assert his.post("/usage", json=body | {"dry_run": True}).json()["states"] == {"others": 2}
    assert (lot(api, ada), lot(api, bert)) == (("9.979", "0.021"), ("0.0095", COST))
    second, first = api.operator.get("/imports").json()
    assert (first["others"], second["others"], second["states"]) == (0, 2, {"charged": 1})
    claimed = api.operator.get("/usage/reported", params={"outcome": "others"}).json()
    assert {(each["key"], each["person"], *each["claimed_by"]) for each in claimed} == {
        ("a", ada, bert),
        ("b", ada, bert),
    }
    assert his.get("/usage/reported", params={"outcome": "others"}).json() == []
    path = f"/imports/{told['import_id']}/reassign"
    assert refused(his.post(path))[1] == "role_missing"
    assert api.operator.post(path).json()["calls"] == 2
    assert lot(api, ada) == ("10.00", "0.00")
    [balance] = api.operator.get(f"/people/{bert}/balance").json()["lots"]
    assert (balance["spent"], balance["overrun"]) == ("0.0315", "0.0115"), "what exceeds his credit is overrun"
    assert api.operator.post(path).json() == {"import_id": None, "calls": 0}
    assert states(api, bert) == dict.fromkeys("abc", ("charged", COST))
    assert hers.post("/usage", json=body).json()["states"] == {"others": 2}
    assert (lot(api, ada)[1], lot(api, bert)[1]) == ("0.00", "0.0315")
    assert refused(api.operator.post("/imports/999/reassign"))[:2] == (404, "unknown")
    assert_proved(api.books.database)


def test_one_that_grows_after_it_was_reassigned(api: Api) -> None:
    ada, bert = granted(api, "Ada"), granted(api, "Bert")
    report(api, record("a", output_tokens=100), person=ada)
    told = report(api, record("a", output_tokens=200), person=bert)
    assert (told["grown"], told["states"]) == (1, {"others": 1})
    assert (lot(api, ada)[1], lot(api, bert)[1]) == ("0.006", "0.00"), "what he told of more is hers, too"
    api.operator.post(f"/imports/{told['import_id']}/reassign")
    report(api, record("a"), person=ada)
    assert (lot(api, ada)[1], lot(api, bert)[1]) == ("0.00", COST)
    assert_proved(api.books.database)
