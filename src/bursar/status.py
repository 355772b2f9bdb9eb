"""What machines ask of a server: whether it lives (/healthz), takes calls (/readyz), how it fares (/metrics).

And the public keys of what it signs.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import msgspec
from litestar.datastructures import Headers

import bursar
from bursar.api.access import Door
from bursar.api.errors import answer_to
from bursar.app import Bursar
from bursar.gateway.gateway import Gateway
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.journal import DATABASE_FAILED
from bursar.store.probe import open_holds, write_something
from bursar.watch import Watch
from bursar.watch.logs import Log
from bursar.watch.now import Now

if TYPE_CHECKING:
    from bursar.watch.exposition import Exposition

log = logging.getLogger("bursar.status")
READY_WITHIN_S = 1.0
READY_FOR_S = 0.5
"""For how long an answer of the journal is good: however often it is asked, it writes twice a second at most."""
FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")
"""Headers by which a proxy says for whom it asks: such a request is not this machine's own."""
JSON = b"application/json"
KEYS_PATH = "/.well-known/bursar-keys.json"
"""The public keys of what this Bursar signs, for whoever has to verify it: nobody needs a key to read them."""


class Status:
    """Answers the paths of `PATHS`."""

    PATHS = frozenset({"/healthz", "/readyz", "/metrics", KEYS_PATH})

    def __init__(self, server: Bursar, gateway: Gateway, watch: Watch, log: Log) -> None:
        self._bursar = server
        self._gateway = gateway
        self._watch = watch
        self._log = log
        self._door = Door(server.books, server.local_token)
        self._writing: asyncio.Task[bool] | None = None
        self._wrote_s = -READY_FOR_S
        self._exposition: Exposition | None = None
        self.stopping = False
        """Whether the server takes no new calls any more, or soon will not."""

    async def __call__(self, scope: Any, send: Any) -> None:
        """Answer a GET or HEAD of one of the paths."""
        path = scope["path"]
        if path == "/healthz":
            await _say(scope, send, 200, b'{"status":"ok"}')
        elif path == KEYS_PATH:
            keys = await asyncio.to_thread(self._bursar.signing.jwks)
            await _say(scope, send, 200, msgspec.json.encode(keys))
        elif path == "/readyz":
            await self._tell_ready(scope, send)
        else:
            await self._tell_metrics(scope, send)

    # --- readiness --------------------------------------------------------------------------------------------

    async def _tell_ready(self, scope: Any, send: Any) -> None:
        why = await self.unready()
        body = {"status": "ready"} if why is None else {"status": "not ready", "reason": why.value}
        await _say(scope, send, 200 if why is None else 503, msgspec.json.encode(body))

    async def unready(self) -> Why | None:
        """Why new calls should go elsewhere: this server stops, or its journal does not write within a second."""
        if self.stopping:
            return Why.STOPPING
        return None if await self._writes() else Why.STORE_UNAVAILABLE

    async def _writes(self) -> bool:
        if asyncio.get_running_loop().time() - self._wrote_s < READY_FOR_S:
            return True
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        writing = self._writing  # whoever asks while it takes long waits for the same one
        await asyncio.wait({writing}, timeout=READY_WITHIN_S)
        return writing.done() and writing.result()

    async def _write(self) -> bool:
        try:
            await asyncio.to_thread(self._bursar.books.journal.write, write_something)
        except Refused:
            return False  # the journal has logged why
        except Exception:
            log.exception("the database takes no writes")
            return False
        self._wrote_s = asyncio.get_running_loop().time()
        return True

    # --- metrics ----------------------------------------------------------------------------------------------

    async def _tell_metrics(self, scope: Any, send: Any) -> None:
        headers = Headers.from_scope(scope)
        try:
            await self._check_reader(scope, headers)
        except Refused as refused:
            await _refuse(scope, send, refused.refusal)
            return
        why = await self.unready()
        body, kind = await asyncio.to_thread(self._page, headers.get("accept", ""), why)
        await _say(scope, send, 200, body, kind.encode())

    async def _check_reader(self, scope: Any, headers: Headers) -> None:
        """Let those read who may. Raises Refused.

        They are whoever has the configured token, or without one whoever asks from this machine; and administrators.
        """
        config = self._bursar.config.metrics
        if not config.enabled:
            raise Refused(refuse(Why.ROUTE_UNKNOWN, method="GET", path="/metrics", routes="/v1, /v1beta and /api"))
        if config.secret:
            given = headers.get("authorization", "").removeprefix("Bearer ").strip()
            if hmac.compare_digest(given.encode(), config.secret.encode()):
                return
        elif _is_local(scope):
            return
        caller = await asyncio.to_thread(self._door.caller, headers)
        caller.must_be("administrator")

    def _page(self, accept: str, why: Why | None) -> tuple[bytes, str]:
        if self._exposition is None:
            from bursar.watch.exposition import Exposition  # noqa: PLC0415 - only those who ask for it need it

            self._exposition = Exposition(self._watch.counts)
        return self._exposition.page(accept, self._now(why))

    def _now(self, why: Why | None) -> Now:
        """How things are, when calls are not taken for that reason; a database that hangs is not asked."""
        books = self._bursar.books
        holds = held_nanos = None
        if why is not Why.STORE_UNAVAILABLE:
            try:
                with books.database.reading() as connection:
                    holds, held_nanos = open_holds(connection)
            except DATABASE_FAILED:
                log.warning("the database does not tell of its holds", exc_info=True)
        return Now(
            version=bursar.__version__,
            engine="sqlite" if books.database.is_sqlite else "postgresql",
            price_book=books.prices.version,
            ready=why is None,
            running=self._gateway.running,
            waiting=self._gateway.waiting,
            queue=books.journal.waiting,
            groups=books.journal.groups,
            dropped=self._log.dropped,
            holds=holds,
            held_nanos=held_nanos,
        )


def _is_local(scope: Any) -> bool:
    """Whether a request comes from this machine, and not through a proxy on it."""
    peer = scope.get("client")
    if peer is None or any(name in FORWARDED for name, _ in scope["headers"]):
        return False
    try:
        return ip_address(peer[0]).is_loopback
    except ValueError:
        return False


async def _refuse(scope: Any, send: Any, refusal: Refusal) -> None:
    await _say(scope, send, refusal.status, msgspec.json.encode(answer_to(refusal)))


async def _say(scope: Any, send: Any, status: int, body: bytes, kind: bytes = JSON) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": False})
