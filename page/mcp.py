"""The Model Context Protocol at `/mcp`: the tools `describe` and `overlay` for assistants.

Only what two tools need: one request, one answer as JSON, no session and no stream, so that any server of several will
do. Gradio's own `mcp_server` is not used: it opens whatever address a caller names, asks this server by a client of its
own (so that all callers are one at the door), keeps streams open, and holds pydantic back.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
from anyio.to_thread import run_sync

from explain.errors import UserError
from explain.pictures import ACCEPTED, MAX_BYTES, MEGA
from page.service import ONE_PASS, OWN, Service
from page.texts import TABLES

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # of the protocol, newest first
MOST = MAX_BYTES * 4 // 3 + 64 * 1024  # bytes of a request: a picture as text, and what stands around it
NOT_JSON, NO_REQUEST, NO_METHOD, NO_ARGUMENTS = -32700, -32600, -32601, -32602  # JSON-RPC's


class Asked(Protocol):
    """`page.programs`' way to a message: a picture in pieces, whose it is, and what is asked of it."""

    def __call__(self, pieces: AsyncIterator[bytes], client: str, **choice: object) -> Awaitable[dict[str, Any]]: ...


class Tools:
    """Answers requests of the protocol.

    Args:
        service: whose models and sentences.
        asked: to a picture its message.
        describe: to a message its description.
        overlay: to a message and a depth a PNG.
    """

    def __init__(
        self,
        service: Service,
        asked: Asked,
        describe: Callable[[Mapping[str, Any]], Any],
        overlay: Callable[[Mapping[str, Any], float], bytes],
    ) -> None:
        self._service, self._asked, self._describe, self._overlay = service, asked, describe, overlay

    async def answer(self, body: bytes, client: str) -> dict[str, Any] | None:
        """The answer to a request's body; None to a notification."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _failed(None, NOT_JSON, "This is no JSON.")
        known = isinstance(request, dict) and request.get("jsonrpc") == "2.0"
        if not known or not isinstance(request.get("method"), str):
            return _failed(None, NO_REQUEST, "This is no request of JSON-RPC 2.0.")
        number, parameters = request.get("id"), request.get("params") or {}
        if "id" not in request:
            return None
        if not isinstance(number, str | int) or isinstance(number, bool) or not isinstance(parameters, dict):
            return _failed(None, NO_REQUEST, "This is no request of JSON-RPC 2.0.")
        match request["method"]:
            case "initialize":
                result = self._hello(parameters)
            case "ping":
                result = {}
            case "tools/list":
                result = {"tools": self.tools()}
            case "tools/call":
                name, given = parameters.get("name"), parameters.get("arguments") or {}
                if name not in ("describe", "overlay") or not isinstance(given, dict):
                    return _failed(number, NO_ARGUMENTS, "There is no tool of this name.")
                result = await self._call(name, given, client)
            case _:
                return _failed(number, NO_METHOD, "There is no such method.")
        return {"jsonrpc": "2.0", "id": number, "result": result}

    def tools(self) -> list[dict[str, Any]]:
        """What there is to call, and with what."""
        ids = list(self._service.cards)
        files = f"a file of at most {MAX_BYTES // MEGA} MB, as base64: {ACCEPTED}"
        properties: dict[str, Any] = {
            "picture": {"type": "string", "description": files},
            "models": {
                "type": "array",
                "items": {"type": "string", "enum": ids} if ids else {"type": "string"},
                "description": "2 to 6 models; the others are held against the first",
                "default": list(self._service.start) if ids else [],
            },
            "rule": {"type": "string", "enum": list(ONE_PASS), "default": ONE_PASS[0]},
            "target": {"type": "string", "default": OWN, "description": "own, common, or a class's name"},
        }
        languages = list(TABLES)
        language = {
            "type": "string",
            "enum": languages,
            "default": languages[0],
            "description": "of names and sentences",
        }
        depth = {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 1,
            "description": "0: first layers, 1: last",
        }
        tools = []
        for name, about, more in (
            (
                "describe",
                "What image classifiers see in a picture, layer by layer, in numbers and words.",
                {"language": language},
            ),
            ("overlay", "The picture with each model's map of evidence over it, side by side.", {"depth": depth}),
        ):
            schema = {"type": "object", "properties": properties | more, "required": ["picture"]}
            tools.append({"name": name, "description": about, "inputSchema": schema})
        return tools

    async def _call(self, name: str, given: Mapping[str, Any], client: str) -> dict[str, Any]:
        """What a tool says; of what is wrong a sentence."""
        language = given.get("language") if name == "describe" else None
        say = self._service.spoken(language).texts.say
        choice = {
            "models": given.get("models", list(self._service.start) if self._service.cards else []),
            "rule": given.get("rule", ONE_PASS[0]),
            "target": given.get("target", OWN),
            "language": language,
        }
        depth = given.get("depth", 1)
        if not isinstance(depth, int | float) or not 0 <= depth <= 1:
            return _sentence(say("argument"))
        try:
            picture = base64.b64decode(given.get("picture") or "", validate=True)
        except (binascii.Error, ValueError, TypeError):
            return _sentence(say("picture_base64"))
        if len(picture) > MAX_BYTES:
            return _sentence(say("long", megabytes=MAX_BYTES // MEGA))
        try:
            message = await self._asked(_once(picture), client, **choice)
        except UserError as error:
            return _sentence(str(error))
        if name == "overlay":
            drawn = base64.b64encode(await run_sync(self._overlay, message, depth)).decode()
            return {"content": [{"type": "image", "data": drawn, "mimeType": "image/png"}]}
        told = self._describe(message)
        return {
            "content": [{"type": "text", "text": told.model_dump_json()}],
            "structuredContent": told.model_dump(),
        }

    def _hello(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        asked = parameters.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": self._service.texts.say("name"), "version": "1"},
        }


async def _once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


def _failed(number: str | int | None, code: int, sentence: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": sentence}}


def _sentence(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}
