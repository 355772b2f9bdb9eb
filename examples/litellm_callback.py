"""A callback by which LiteLLM's proxy asks Bursar for the budget before every call, and tells it what the call cost.

Put this file beside the proxy's configuration, name it there, and say where Bursar is:

    litellm_settings:
      callbacks: litellm_callback.bursar
    general_settings:
      custom_auth: litellm_callback.who

    export BURSAR_URL=http://localhost:8790 BURSAR_KEY=bsr_…     # bursar key create --administrator
    export LITELLM_MASTER_KEY=sk-…                               # long and random; LiteLLM does not start without one

Clients then give the proxy their own Bursar key. Each attempt of the proxy at a call, a retry or a fallback too, has
a hold of its own: no hold, no call. What was certainly not billed is released; of what nobody knows (a timeout, a
proxy that was killed, a client that left in mid-stream) the hold is left, and Bursar charges it when it expires. An
answer that takes longer than that is settled all the same: what was charged is trued up.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from typing import Any

import httpx
from fastapi import HTTPException  # type: ignore[import-not-found]
from litellm.integrations.custom_logger import CustomLogger  # type: ignore[import-not-found]
from litellm.proxy._types import UserAPIKeyAuth  # type: ignore[import-not-found]

URL = os.environ["BURSAR_URL"].rstrip("/") + "/api"
HIDDEN_TOKENS = 512
"""What LiteLLM and providers add to a request that is not in what is bounded here."""
EXPIRES = "30m"
WAIT_S, PAUSE_S = 10.0, 0.25
"""How long a call waits for budget that others hold, and how often it asks again."""
BILLED_OR_NOT = (408, 504, 524)
CATALOGS = {"azure": "openai", "gemini": "google", "vertex_ai": "google"}
"""LiteLLM's names of providers whose prices Bursar lists under another one."""
BOUNDED = ("messages", "tools", "functions", "response_format", "modalities", "audio", "prediction", "n")
"""What of a request has to do with what it may cost, pictures and files in its messages too: Bursar bounds it."""

http = httpx.AsyncClient(timeout=30)


async def who(_request: object, api_key: str) -> UserAPIKeyAuth:
    """Let in whoever has a key that Bursar knows."""
    answer = await http.get(f"{URL}/me", headers={"authorization": f"Bearer {api_key}"})
    if answer.status_code != 200:
        raise _refused(answer)
    me = answer.json()
    if me["person"] is None:
        raise HTTPException(403, "This key belongs to nobody, so no budget pays for it.")
    return UserAPIKeyAuth(api_key=api_key, user_id=me["person"]["email"], metadata={"bursar_key": me["key"]["id"]})


class Bursar(CustomLogger):  # type: ignore[misc]
    """Holds, and what becomes of them. One call has one hold at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._holds: dict[str, str] = {}
        self._key = os.environ["BURSAR_KEY"]

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: object) -> None:
        """Ask for the budget of one attempt, or refuse it."""
        provider, _, model = str(kwargs["model"]).rpartition("/")
        metadata = kwargs.get("metadata") or kwargs.get("litellm_metadata") or {}
        asked = {
            "key": (metadata.get("user_api_key_metadata") or {}).get("bursar_key"),
            "gateway": "litellm",
            "model": model,
            "catalog": CATALOGS.get(provider, provider or "openai"),
            "output_tokens": kwargs.get("max_completion_tokens") or kwargs.get("max_tokens"),
            "hidden_prompt_tokens": HIDDEN_TOKENS,
            "expires": EXPIRES,
            **bounds(kwargs),
        }
        self._holds[kwargs["litellm_call_id"]] = await self._hold(asked)

    async def _hold(self, asked: dict[str, Any]) -> str:
        """Have a hold, after those that run now if they have the money. Each time that it asks is another request."""
        until_s = asyncio.get_running_loop().time() + WAIT_S
        while True:
            answer = await self._post("/holds", {**asked, "id": uuid.uuid4().hex})
            if answer.status_code == 201:
                return str(answer.json()["id"])
            if answer.status_code != 429 or asyncio.get_running_loop().time() > until_s:
                raise _refused(answer)
            await asyncio.sleep(PAUSE_S)

    async def async_post_call_failure_deployment_hook(
        self, request_data: dict[str, Any], exception: Exception, call_type: object
    ) -> None:
        """An attempt failed: give its hold back, unless the provider may have billed it."""
        hold = self._holds.pop(request_data["litellm_call_id"], None)
        status = int(getattr(exception, "status_code", 0) or 0)
        if hold is not None and 400 <= status < 600 and status not in BILLED_OR_NOT:
            await self._post(f"/holds/{hold}/release", {"reason": f"the provider answered {status}"})

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: object, end_time: object
    ) -> None:
        """A call ended well, in a stream too: settle its hold by what was used."""
        hold = self._holds.pop(kwargs["litellm_call_id"], None)
        usage = getattr(response_obj, "usage", None)
        if hold is not None and usage is not None:
            settled = {"usage": buckets(usage), "provider_request": str(getattr(response_obj, "id", "") or "")}
            await self._post(f"/holds/{hold}/settle", settled)

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Ask Bursar; what was said once may be said again, so a connection that breaks is tried once more."""
        headers = {"authorization": f"Bearer {self._key}"}
        try:
            return await http.post(URL + path, json=body, headers=headers)
        except httpx.TransportError:
            return await http.post(URL + path, json=body, headers=headers)


def bounds(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What bounds a request's input: a chat's own body, which Bursar reads; of other kinds of calls, their bytes."""
    if "messages" in kwargs:
        body = {name: kwargs[name] for name in BOUNDED if kwargs.get(name) is not None}
        return {"path": "/v1/chat/completions", "request": json.loads(json.dumps(body, default=str))}
    text = json.dumps([kwargs.get(name) for name in ("input", "prompt", "tools")], default=str)
    return {"input_tokens": len(text.encode()), "answers": kwargs.get("n") or 1}


def buckets(usage: Any) -> dict[str, int]:
    """LiteLLM's usage in disjoint buckets: its prompt tokens include what came from a cache or went into it."""
    into = getattr(usage, "prompt_tokens_details", None)
    read = getattr(into, "cached_tokens", None) or 0
    written = getattr(usage, "cache_creation_input_tokens", None) or 0
    return {
        "input_tokens": max(0, usage.prompt_tokens - read - written),
        "cache_read_tokens": read,
        "cache_write_5m_tokens": written,
        "output_tokens": usage.completion_tokens,
    }


def _refused(answer: httpx.Response) -> HTTPException:
    """What a client is told: Bursar's own words, with its status."""
    try:
        message = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = "Bursar, which keeps the budgets, cannot be asked now."
    return HTTPException(answer.status_code if answer.is_error else 503, message)


bursar = Bursar()
