"""Changes of terms on the command line."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.conftest import Program


def test_a_change_is_said_as_the_person_is_told(program: Program, ada: str) -> None:
    done = program.done("change", ada, "--amount", "2500", "--reason", "more work")
    assert done.out.startswith(f"{ada} is told: From 20")
    assert "gives you $2,500.00 in each period instead of $2,000.00." in done.out
    assert program.done("balance", ada, "--json").json["granted"] == "2500.00"
    refused = program.run("change", ada, "--amount", "2500", "--reason", "more work")
    assert (refused.code, refused.err.rpartition("[")[2]) == (1, "nothing_to_change]\n")
    assert program.run("change", ada, "--amount", "2500").code == 2, "a reason is needed"


def test_pause_resume_and_revoke(program: Program, ada: str, tmp_path: Path) -> None:
    program.done("pause", ada, "--reason", "holiday", "--plan", "engineers")
    assert program.done("terms", "show", ada, "--json").json["grants"][0]["state"] == "paused"
    program.done("resume", ada, "--reason", "back")
    approver = tmp_path / "second.key"
    secret = program.done("key", "create", "--administrator", "--name", "second").out.split()[0]
    approver.write_text(f"{secret}\n")
    for half in (["--for-cause"], ["--approver", str(approver)]):
        assert program.run("revoke", ada, "--reason", "sold", *half).code == 2, "they go together"
    made = program.done("revoke", ada, "--reason", "sold", "--for-cause", "--approver", str(approver), "--json").json
    assert (made["kind"], made["approver"].endswith("(second)")) == ("revoke_for_cause", True)
    told = program.done("terms", "show", ada)
    assert "revoke for cause, by operator, approved by key" in told.out
    assert secret not in told.out
    assert program.done("balance", ada, "--json").json["available"] == "0.00"


def test_requests_are_asked_listed_and_answered(program: Program, ada: str) -> None:
    assert "No request yet" in program.done("request", "list").out
    assert program.done("request", ada, "--amount", "500", "--reason", "load test").out.startswith("The request 1 ")
    program.done("request", "ask", ada, "--amount", "20", "--reason", "more")
    assert [one["id"] for one in program.done("request", "list", "--state", "open", "--json").json] == [1, 2]
    assert "is approved" in program.done("request", "approve", "1").out
    assert "is denied" in program.done("request", "deny", "2", "--reason", "no").out
    assert program.run("request", "deny", "2", "--reason", "no").code == 1
    told = program.done("terms", "show", ada).out
    assert told.index("Changes") < told.index("Requests")
    assert "load test" in told


def test_terms_of_somebody_without_a_plan(program: Program) -> None:
    program.done("person", "add", "bert@example.com", "--name", "Bert")
    assert "No plan was granted yet." in program.done("terms", "show", "bert@example.com").out
    refused = program.run("revoke", "bert@example.com", "--reason", "x")
    assert (refused.code, "[no_grant]" in refused.err) == (1, True)
