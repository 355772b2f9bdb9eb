"""How a route is made of a function: its role, its thread, and its place in the OpenAPI description."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from bursar.api.errors import ErrorAnswer

_ERRORS = {
    400: "The request is not right; `field` names what is wrong with it",
    401: "No key, or one that is unknown, revoked or expired",
    403: "The key's role may not do this",
    404: "There is no such thing",
}
Answers = dict[int, ResponseSpec]
_METHODS: dict[str, Any] = {"GET": get, "POST": post, "DELETE": delete}
Maker = Callable[[Callable[..., Any]], HTTPRouteHandler]


def route(request: str, role: str, *, status: int | None = None, answer: ResponseSpec | None = None) -> Maker:
    """Serve a request ("GET /people") with a function, to callers with a role.

    The function runs in a thread, because the books are synchronous. `status` is that of success when it is not the
    method's usual one; `answer` describes the body when the function's type does not.
    """
    method, path = request.split()
    success: Answers = {} if answer is None else {status or 200: answer}

    def make(function: Callable[..., Any]) -> HTTPRouteHandler:
        about = cleandoc(function.__doc__ or "")
        handler: HTTPRouteHandler = _METHODS[method](
            path,
            opt={"role": role},
            sync_to_thread=True,
            status_code=status,
            operation_id=function.__name__,
            summary=about.partition(".")[0],
            description=about,
            responses=answers(success),
        )(function)
        return handler

    return make


def answers(success: Answers) -> Answers:
    """All that a route may answer with: what it does when all is well, and the errors of every route."""
    return {**{code: body(ErrorAnswer, text) for code, text in _ERRORS.items()}, **success}


def body(kind: Any, description: str) -> ResponseSpec:
    """What a body is like."""
    return ResponseSpec(kind, generate_examples=False, description=description)
