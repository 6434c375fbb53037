"""What comes in: counted and timed, a question read before Gradio has it, an upload watched while it passes."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from explain.pictures import MAX_BYTES, MEGA
from page.door.answers import Answer
from page.errors import Shut

QUESTION = MEGA  # bytes of a question's body; an ordinary one has 300
VALUES = 2000  # lists, objects and commas in it: a megabyte of them would take a second to read
UPLOAD = MAX_BYTES + 64 * 1024  # a file, and what multipart puts around it
FRAME = 4096  # bytes before the file begins
REST = 20  # seconds without a byte
LONGEST = {"question": 30, "upload": 600}  # seconds for the whole


async def _piece(receive: Receive, seconds: float) -> Message:
    """The next piece of a body. Shut if it does not come in time."""
    try:
        return await asyncio.wait_for(receive(), min(seconds, REST))
    except TimeoutError:
        raise Shut("slow", 408) from None


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def declared(scope: Scope, most: int) -> None:
    """Shut if a request says that its body is longer than `most` bytes."""
    length = _header(scope, b"content-length")
    if length.isdecimal() and int(length) > most:
        raise Shut("long", 413, megabytes=min(most, MAX_BYTES) // MEGA)


async def question(scope: Scope, receive: Receive) -> Any:
    """A question's body, read and parsed. Shut if it is too long, too slow, or no plain JSON."""
    if _header(scope, b"content-type").partition(";")[0].strip().lower() != "application/json":
        raise Shut("not_json", 415)
    declared(scope, QUESTION)
    body, more = bytearray(), True
    end = asyncio.get_running_loop().time() + LONGEST["question"]
    while more:
        message = await _piece(receive, end - asyncio.get_running_loop().time())
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > QUESTION:
            raise Shut("long", 413, megabytes=QUESTION // MEGA)
    if sum(body.count(sign) for sign in (b"[", b"{", b",")) > VALUES:
        raise Shut("not_known", 400)
    try:
        return orjson.loads(bytes(body))  # unlike Python's, it takes no NaN and no half characters
    except orjson.JSONDecodeError:
        raise Shut("not_json", 400) from None


def given(scope: Scope, body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands on this body, and then waits for the client to leave."""
    framing = (b"content-length", b"transfer-encoding")
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in framing]
    scope["headers"].append((b"content-length", str(len(body)).encode()))
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return messages.pop() if messages else await receive()

    return give


def only(body: Any, **kinds: type | str) -> dict[str, Any]:
    """These entries of an object. Shut if one is missing, of another type, or no plain name."""
    for name, kind in kinds.items():
        value = body.get(name) if isinstance(body, dict) else None
        right = type(value) is kind if isinstance(kind, type) else type(value) is str and re.fullmatch(kind, value)
        if not right:
            raise Shut("not_known", 400)
    return {name: body[name] for name in kinds}


def holds_object(value: Any) -> bool:
    """Whether there is an object in it, at any depth."""
    return isinstance(value, dict) or (isinstance(value, list) and any(holds_object(inside) for inside in value))


@dataclass
class Counted:
    """A body's `receive` that counts and times it, and hands it on as it comes.

    Args:
        receive: the server's.
        most: bytes.
        answer: to be told why, as whoever reads would say so in other words.
    """

    receive: Receive
    most: int
    answer: Answer
    _end: float = field(default_factory=lambda: asyncio.get_running_loop().time() + LONGEST["upload"])
    _bytes: int = 0
    _over: bool = False

    async def __call__(self) -> Message:
        if self._over:  # whoever still listens wants to know when the client leaves
            return await self.receive()
        try:
            message = await _piece(self.receive, self._end - asyncio.get_running_loop().time())
            self._bytes += len(message.get("body", b""))
            if self._bytes > self.most:
                raise Shut("long", 413, megabytes=MAX_BYTES // MEGA)
        except Shut as shut:
            self.answer.shut = shut
            raise
        self._over = not message.get("more_body", False)
        return message


def boundary_of(scope: Scope) -> bytes:
    """What stands between the parts of an upload. Shut if it says that it is none, or too long a one."""
    declared(scope, UPLOAD)
    kind, options = parse_options_header(_header(scope, b"content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
        raise Shut("one_file", 400)
    return boundary


@dataclass
class OneFile:
    """An upload's `receive`, which lets one file in a field "files" through: Gradio takes a thousand, of any name.

    Args:
        boundary: what stands between its parts.
        receive: the server's.
        answer: to be told why, as Gradio would say so in its own words.
    """

    boundary: bytes
    receive: Receive
    answer: Answer
    _end: float = field(default_factory=lambda: asyncio.get_running_loop().time() + LONGEST["upload"])
    _bytes: int = 0
    _head: bytes | None = b""  # until the file begins
    _tail: bytes = b""
    _marks: int = 0
    _over: bool = False

    async def __call__(self) -> Message:
        if self._over:  # whoever still listens wants to know when the client leaves
            return await self.receive()
        try:
            message = await _piece(self.receive, self._end - asyncio.get_running_loop().time())
            if message["type"] == "http.request":
                self._look(message.get("body", b""), message.get("more_body", False))
        except Shut as shut:
            self.answer.shut = shut
            raise
        return message

    def _look(self, piece: bytes, more: bool) -> None:
        self._bytes += len(piece)
        if self._bytes > UPLOAD:
            raise Shut("long", 413, megabytes=MAX_BYTES // MEGA)
        mark = b"--" + self.boundary
        if self._head is not None:
            self._head += piece[:FRAME]
            begin, end, _ = self._head.partition(b"\r\n\r\n")
            if end:
                self._frame(begin, mark)
                self._head = None
            elif len(self._head) >= FRAME or not more:
                raise Shut("one_file", 400)
        seen = self._tail + piece
        self._marks += seen.count(mark)
        self._tail = seen[len(seen) - len(mark) + 1 :] if len(seen) >= len(mark) else seen
        self._over = not more
        if self._marks > 2 or (self._over and self._marks < 2):
            raise Shut("one_file", 400)

    @staticmethod
    def _frame(begin: bytes, mark: bytes) -> None:
        first, *lines = begin.split(b"\r\n")
        fields = [line.partition(b":") for line in lines]
        placed = [value for name, _, value in fields if name.strip().lower() == b"content-disposition"]
        options = parse_options_header(placed[0].strip())[1] if len(placed) == 1 else {}
        if first != mark or options.get(b"name") != b"files" or b"filename" not in options:
            raise Shut("one_file", 400)
