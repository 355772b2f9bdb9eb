"""When nobody waits for the database any more, and when one tries again."""

from __future__ import annotations

from bursar.gateway.patience import TRY_EVERY_S, Patience


def test_nobody_is_refused_while_it_answers() -> None:
    patience = Patience()
    assert [patience.refuses(now_s) for now_s in (0.0, 1.0, 1e6)] == [False] * 3


def test_after_a_loss_one_tries_now_and_then() -> None:
    patience = Patience()
    patience.lost(100.0)
    assert patience.refuses(100.0)
    assert patience.refuses(100.0 + TRY_EVERY_S - 0.1)
    assert not patience.refuses(100.0 + TRY_EVERY_S)
    assert patience.refuses(100.0 + TRY_EVERY_S), "only one"
    assert not patience.refuses(100.0 + 2 * TRY_EVERY_S)


def test_any_answer_ends_it() -> None:
    patience = Patience()
    patience.lost(100.0)
    patience.answered()
    assert not patience.is_over
    assert [patience.refuses(100.0), patience.refuses(100.1)] == [False, False]
