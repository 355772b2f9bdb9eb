"""A refusal in Google's shape of an error."""

from __future__ import annotations

import msgspec

from bursar.refusals import Refusal

_STATUSES = {
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    426: "UNIMPLEMENTED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Google's name for an HTTP status (google.rpc.Code), where it is not INVALID_ARGUMENT or INTERNAL.

A spent budget's is none that clients take for something that passes.
"""


class GeminiErrors:
    """The shape of a refusal on Google's routes."""

    def error(self, refusal: Refusal, request_id: str) -> bytes:
        """`{"error": {code, message, status, details}}`; the refusal's name is the reason of its ErrorInfo.

        Google's clients read from a RetryInfo when to try again; there is one only where that may help.
        """
        return msgspec.json.encode({"error": _error(refusal, request_id)})

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """An event that holds an error in place of a chunk, which is what the official SDK looks for."""
        return b"data: " + self.error(refusal, request_id) + b"\r\n\r\n"


def _error(refusal: Refusal, request_id: str) -> dict[str, object]:
    about = {"request": request_id} | ({"field": refusal.field} if refusal.field is not None else {})
    details: list[dict[str, object]] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": refusal.why.value.upper(),
            "domain": "bursar",
            "metadata": about,
        }
    ]
    if refusal.retryable:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"})
    status = _STATUSES.get(refusal.status, "INTERNAL" if refusal.status >= 500 else "INVALID_ARGUMENT")
    return {"code": refusal.status, "message": refusal.text, "status": status, "details": details}
