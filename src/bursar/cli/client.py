"""The API's client: finds the server of a data folder, or opens the folder in this process when there is none.

One process writes a data folder at a time. A running server says where it is in `server.json`; a file that a killed
server left behind is passed over, because nobody answers there.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import httpx

from bursar.cli.inprocess import InProcess
from bursar.cli.told import Told
from bursar.refusals import Refused, Why, refuse

SERVER_FILE = "server.json"
CONNECT_S = 3.0
ANSWER_S = 120.0
STARTING_S = 15.0
"""How long to wait for a process that has the folder and does not serve it yet."""


Lost = Callable[[str], Refused]


class Server(NamedTuple):
    """Where a server is, and the key or token that it is asked with."""

    url: str
    secret: str


class Client:
    """Asks the API. Every answer that is an error is raised as Told."""

    def __init__(self, http: httpx.Client, lost: Lost) -> None:
        """`lost` makes the refusal to raise when the server cannot be used, from what is wrong with it."""
        self._http = http
        self._lost = lost

    @property
    def url(self) -> str:
        """Where the gateway is that goes with this API."""
        return str(self._http.base_url).rstrip("/").removesuffix("/api")

    def get(self, path: str, **query: object) -> Any:
        """The JSON at a path; parameters that are None are left out."""
        return self._ask("GET", path, query).json()

    def text(self, path: str, **query: object) -> str:
        """The text at a path."""
        return self._ask("GET", path, query).text

    def post(self, path: str, body: dict[str, object] | None = None) -> Any:
        """Send JSON to a path; fields that are None are left out."""
        return self._ask("POST", path, {}, _given(body or {})).json()

    def file(self, path: str, body: dict[str, object] | None = None) -> bytes:
        """The bytes at a path; with a body, those that it makes of it."""
        if body is None:
            return self._ask("GET", path, {}).content
        return self._ask("POST", path, {}, _given(body)).content

    def delete(self, path: str) -> Any:
        """Take away what is at a path."""
        return self._ask("DELETE", path, {}).json()

    def lines(self, path: str, body: dict[str, object] | None = None, **query: object) -> Iterator[Any]:
        """Post to a path and read the lines of JSON that it answers with, as they come."""
        asked = self._http.stream("POST", path, params=_given(query), json=_given(body or {}), timeout=None)
        with self._safely(), asked as answer:
            if answer.is_error:
                answer.read()
                self._raise(answer)
            for line in answer.iter_lines():
                told = json.loads(line)
                if "error" in told:
                    raise Told(told["error"]["name"], told["error"]["message"], told["error"]["field"])
                yield told

    def pieces(self, path: str, body: dict[str, object]) -> Iterator[bytes]:
        """Post to a path and read what it answers as it comes, however long it is."""
        asked = self._http.stream("POST", path, json=_given(body), timeout=None)
        with self._safely(), asked as answer:
            if answer.is_error:
                answer.read()
                self._raise(answer)
            yield from answer.iter_bytes()

    def _ask(self, method: str, path: str, query: dict[str, object], body: object = None) -> httpx.Response:
        with self._safely():
            answer = self._http.request(method, path, params=_given(query), json=body)
        if answer.is_error or answer.is_redirect:
            self._raise(answer)
        return answer

    def _raise(self, answer: httpx.Response) -> NoReturn:
        try:
            error = answer.json()["error"]
            told = Told(str(error["name"]), str(error["message"]), error["field"])
        except (ValueError, KeyError, TypeError):
            raise self._lost("what answers there is not Bursar's API") from None
        raise told

    @contextmanager
    def _safely(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException:
            raise self._lost("it does not answer in time") from None
        except httpx.HTTPError:
            raise self._lost("nothing answers there") from None


def _lost_remote(url: str) -> Lost:
    return lambda problem: Refused(refuse(Why.SERVER_UNREACHABLE, url=url, problem=problem))


def _lost_local(folder: Path, url: str) -> Lost:
    def lost(problem: str) -> Refused:
        return Refused(refuse(Why.DATA_FOLDER, folder=folder, problem=f"is served at {url}, but {problem}"))

    return lost


@contextmanager
def connected(
    folder: Path, url: str | None, key: str | None, *, create: bool = False, served: bool = False
) -> Iterator[Client]:
    """A client of the server at a URL with a key, or else of the data folder's server, or of the folder itself.

    With `create` the folder is made when it is not there; with `served` only a server will do. Raises Refused when
    none can be used.
    """
    if url is not None:
        if not key:
            raise Refused(refuse(Why.KEY_MISSING))
        with _over_network(_remote(url), key, _lost_remote(url), trust_env=True) as client:
            yield client
        return
    if not create and not folder.is_dir():
        raise Refused(refuse(Why.DATA_FOLDER, folder=folder, problem="is not there; `bursar init` makes one"))
    server = running_server(folder)
    if server is not None:
        with _of_folder(folder, server) as client:
            yield client
        return
    if served:
        raise Refused(refuse(Why.DATA_FOLDER, folder=folder, problem="is not being served; `bursar up` serves it"))
    with _opened(folder, create=create) as client:
        yield client


@contextmanager
def _over_network(url: str, secret: str, lost: Lost, *, trust_env: bool) -> Iterator[Client]:
    timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    headers = {"authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=url + "/api", headers=headers, timeout=timeout, trust_env=trust_env) as http:
        yield Client(http, lost)


def _of_folder(folder: Path, server: Server) -> AbstractContextManager[Client]:
    """A client of the folder's own server; no proxy of the environment is asked on the way to it."""
    return _over_network(server.url, server.secret, _lost_local(folder, server.url), trust_env=False)


@contextmanager
def _opened(folder: Path, *, create: bool) -> Iterator[Client]:
    """A client of the folder in this process, or of a server that began to serve it in the meantime."""
    from bursar.app import Bursar  # noqa: PLC0415 - takes most of a second, and only this way needs it

    deadline = time.monotonic() + STARTING_S
    while True:
        try:
            bursar = Bursar.open(folder, create=create)
            break
        except Refused as problem:
            server = running_server(folder)
            if server is None and (not _is_in_use(problem) or time.monotonic() > deadline):
                raise
        if server is not None:
            with _of_folder(folder, server) as client:
                yield client
            return
        time.sleep(0.1)
    try:
        headers = {"authorization": f"Bearer {bursar.local_token}"}
        with httpx.Client(transport=InProcess(bursar.api), base_url="http://bursar/api", headers=headers) as http:
            yield Client(http, _lost_local(folder, "no address"))
    finally:
        bursar.close()


def running_server(folder: Path) -> Server | None:
    """The server that runs on a data folder, if one does and takes connections."""
    try:
        told = json.loads((folder / SERVER_FILE).read_text("utf-8"))
        url, token = str(told["url"]), str(told["token"])
        address = urlsplit(url)
        if not Path(f"/proc/{int(told['pid'])}").exists() and Path("/proc/self").exists():
            return None
        socket.create_connection((address.hostname or "", address.port or 80), timeout=CONNECT_S).close()
    except PermissionError:
        raise Refused(refuse(Why.DATA_FOLDER, folder=folder, problem="belongs to another user")) from None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Server(url, token)


def _is_in_use(problem: Refused) -> bool:
    from bursar.app import IN_USE  # noqa: PLC0415 - what was refused has been imported by now

    return problem.refusal.facts.get("problem") == IN_USE


def _remote(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _lost_remote(url)("write http(s)://host[:port]")
    return url.rstrip("/").removesuffix("/api")


def _given(values: dict[str, object]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
