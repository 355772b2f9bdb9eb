"""May somebody call a model now? For proxies that ask another service before they let a request through.

Envoy's `ext_authz`, nginx's `auth_request` and the like hand on the client's own headers and look at the status
alone. The answer holds nothing: it says that something is left, not that it will be enough.

nginx knows two answers that deny, 401 and 403 (ngx_http_auth_request_module), and makes an error of its own of all
others. So `denied=403` asks for that in place of what a refusal's status is; its name and status are in headers.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Literal

import msgspec
from litestar import Response
from litestar import route as any_method
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from bursar.api.access import PERSON, Caller
from bursar.api.errors import ErrorAnswer, answer_to
from bursar.api.routes import answers, body, route
from bursar.books import Books
from bursar.books.holds import left_for
from bursar.money import usd
from bursar.refusals import Refused, Why, refuse

DENIED = 403


class Allowed(msgspec.Struct, frozen=True):
    """Whose budget pays, by the number of which key, and what is left of it for the next call, in dollars."""

    person: str
    key: int
    left: str


_ANSWER = body(Allowed, "Something is left; the headers x-bursar-person, x-bursar-key and x-bursar-left say the same")


@route("GET /authorize", PERSON, answer=_ANSWER)
def authorize(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    model: FromQuery[str | None] = None,
    denied: FromQuery[Literal["403"] | None] = None,
) -> Response[Allowed] | Response[ErrorAnswer]:
    """Say whether the key may call a model now, or any: 200 when something is left for it, else why not.

    With `denied=403` that is said with status 403, for proxies that know no other, and with the refusal's name and
    its own status in the headers x-bursar-refusal and x-bursar-status.
    """
    try:
        return _answer(books, caller, model)
    except Refused as refused:
        if denied is None:
            raise
        why = refused.refusal
        headers = {"x-bursar-refusal": why.why.value, "x-bursar-status": str(why.status)}
        return Response(answer_to(why), headers=headers, status_code=DENIED)


def authorize_path(
    path: FromPath[str], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> Response[Allowed]:
    """The same, for proxies that ask with the path, and maybe the method, of the request that they ask about."""
    return _answer(books, caller, None)


def _answer(books: Books, caller: Caller, model: str | None) -> Response[Allowed]:
    key = caller.key
    if key is None or key.person_id is None or caller.person is None:
        raise Refused(refuse(Why.ROLE_MISSING, role="person", has=f"{caller.role}, and belongs to nobody"))
    left = usd(left_for(books, books.spender_of(key.person_id, key), model))
    allowed = Allowed(caller.person.email, key.id, left)
    headers = {"x-bursar-person": allowed.person, "x-bursar-key": str(key.id), "x-bursar-left": left}
    return Response(allowed, headers=headers, status_code=200)


ROUTES = (
    authorize,
    any_method(
        "/authorize/{path:path}",
        http_method=["GET", "POST"],
        opt={"role": PERSON},
        sync_to_thread=True,
        status_code=200,
        summary="The same, with any path",
        description=cleandoc(authorize_path.__doc__ or ""),
        responses=answers({200: _ANSWER}),
    )(authorize_path),
)
