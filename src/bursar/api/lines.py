"""Answers that are lines of JSON, for work that takes a while: how far it is, and at the end what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import msgspec
from litestar.response import Stream

from bursar.api.errors import ErrorAnswer, answer_to
from bursar.refusals import Refused, Why, refuse

log = logging.getLogger("bursar.api")
Tell = Callable[[msgspec.Struct], None]
MEDIA_TYPE = "application/x-ndjson"


def lines(work: Callable[[Tell], msgspec.Struct]) -> Stream:
    """Work in a thread of its own. What it tells are the lines, what it returns is the last, or why it is refused.

    The work goes on to its end when nobody listens any more.
    """
    return Stream(_lines(work), media_type=MEDIA_TYPE)


def _lines(work: Callable[[Tell], msgspec.Struct]) -> Iterator[bytes]:
    told: SimpleQueue[tuple[msgspec.Struct, bool]] = SimpleQueue()
    threading.Thread(target=_run, args=(work, told), name="lines", daemon=True).start()
    is_last = False
    while not is_last:
        line, is_last = told.get()
        yield msgspec.json.encode(line) + b"\n"


def _run(work: Callable[[Tell], msgspec.Struct], told: SimpleQueue[tuple[msgspec.Struct, bool]]) -> None:
    last: msgspec.Struct | ErrorAnswer
    try:
        last = work(lambda line: told.put((line, False)))
    except Refused as problem:
        last = answer_to(problem.refusal)
    except Exception:
        log.exception("the work failed")
        last = answer_to(refuse(Why.INTERNAL))
    told.put((last, True))
