"""What goes back: with headers that browsers heed, and an error as one sentence and a code, whoever found it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope, Send

from explain.pictures import MAX_BYTES, MEGA
from page.errors import Shut
from page.texts import PageTexts

REST = 20  # seconds in which a piece of an answer has to be taken
FRAMED_BY = "'self' https://huggingface.co https://*.huggingface.co"
# Gradio begins with inline scripts, and makes a function of the text of our view
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
)
HEADERS = {
    "content-security-policy": f"{POLICY}frame-ancestors {FRAMED_BY}",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
}


class Answer:
    """What goes back: with the headers of the house, and an error as one sentence, whoever found it.

    Args:
        scope, send: the request's.
        texts: for what the door says.
        headers: beside those of the house.

    Attributes:
        shut: why the request is refused, if the door found it while the body was being read.
        trusted: whether what comes is of our own making, so that its errors are sentences already.
    """

    def __init__(self, scope: Scope, send: Send, texts: PageTexts, headers: Mapping[str, str] = {}) -> None:
        self.shut: Shut | None = None
        self.trusted = False
        self._headers = HEADERS | dict(headers)
        self._scope, self._send, self._texts = scope, send, texts
        self._begun = self._over = self._replaced = False

    async def send(self, message: Message) -> None:
        """Gradio's own message, or what stands for it."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] >= 400 and (self.shut or not self.trusted or message["status"] == 500):
                self._replaced = True
                await self.refuse(self.shut or _of_status(message["status"]), _cross_origin(message))
                return
            self._begun = True
            message = {**message, "headers": _with(message.get("headers", []), self._headers)}
        elif message["type"] == "http.response.body":
            self._over = not message.get("more_body", False)
        await self._pass_on(message)

    async def refuse(self, shut: Shut, headers: Mapping[str, str] = {}) -> None:
        """Send the sentence, unless something has been sent already."""
        if self._begun:
            return
        self._begun = self._over = True
        sentence = self._texts.told(shut)
        body = orjson.dumps({"detail": sentence, "error": sentence, "code": shut.code})
        said = {"content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store"}
        start = {
            "type": "http.response.start",
            "status": shut.status,
            "headers": _with([], said | self._headers | headers),
        }
        await self._pass_on(start)
        await self._pass_on({"type": "http.response.body", "body": body})

    async def stream(self, event: bytes) -> None:
        """Send a stream of one event."""
        self._begun = self._over = True
        said = {"content-type": "text/event-stream", "cache-control": "no-store"}
        await self._pass_on({"type": "http.response.start", "status": 200, "headers": _with([], said | self._headers)})
        await self._pass_on({"type": "http.response.body", "body": event})

    async def end(self) -> None:
        """End what was begun and broken off, so that the connection is right again."""
        if self._begun and not self._over:
            self._over = True
            await self._pass_on({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass_on(self, message: Message) -> None:
        try:
            await asyncio.wait_for(self._send(message), REST)
        except TimeoutError:  # nobody takes it
            if abort := self._scope.get("state", {}).get("abort"):
                abort()
            raise ClientDisconnect from None


def _of_status(status: int) -> Shut:
    """Why Gradio refuses, as far as its status tells it."""
    codes = {401: "no_address", 403: "no_address", 404: "no_address", 405: "no_address", 413: "long", 503: "busy"}
    code = codes.get(status, "not_known" if status < 500 else "internal")
    return Shut(code, 404 if code == "no_address" else status, megabytes=MAX_BYTES // MEGA)


def _with(headers: Any, more: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers with others in place of those of the same name."""
    kept = [(name, value) for name, value in headers if name.decode("latin-1").lower() not in more]
    return [*kept, *((name.encode(), value.encode()) for name, value in more.items())]


def _cross_origin(message: Message) -> dict[str, str]:
    """What Gradio says about pages of other hosts."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message.get("headers", [])}
    return {name: value for name, value in headers.items() if name == "vary" or name.startswith("access-control-")}


def _each(error: BaseException) -> list[BaseException]:
    """The exceptions of a group, or the single one."""
    if isinstance(error, BaseExceptionGroup):
        return [single for inside in error.exceptions for single in _each(inside)]
    return [error]


def ordinary(error: BaseException) -> bool:
    """Whether it is no fault of ours: the visitor has left, or something is not there."""
    return all(isinstance(single, ClientDisconnect | HTTPException | Shut) for single in _each(error))


def first(error: BaseException) -> BaseException:
    """The first exception of a group, or the single one."""
    return _each(error)[0]
