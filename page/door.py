"""The front door: what of HTTP gets as far as Gradio, how much of it, in what time, and what goes back.

Gradio serves far more than this page needs, reads bodies of any length, and answers what it does not expect with a
traceback in the log. So only the addresses in `ROUTES` lead to it; a body is counted while it comes in, and a question's is
looked at before Gradio has it; each client has a share of what goes on at once; and an error is one sentence and a code.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
import traceback
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr
import orjson
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explain.pictures import MAX_BYTES, MEGA
from page.errors import PageError
from page.texts import PageTexts

log = logging.getLogger("two-minds")

QUESTION = MEGA  # bytes of a question's body; an ordinary one has 300
VALUES = 2000  # lists, objects and commas in it: a megabyte of them would take a second to read
UPLOAD = MAX_BYTES + 64 * 1024  # a file, and what multipart puts around it
FRAME = 4096  # bytes before the file begins
REST = 20  # seconds without a byte, of a body that comes in or of an answer that nobody takes
LONGEST = {"question": 30, "upload": 600}  # seconds for a body
# Of one client: at once, waiting behind them, and seconds that a place is taken at least, so that nobody asks in a tight
# loop. A browser takes six connections, Evidence asks seven questions when it is opened, and an address may be a school's.
SHARES = {
    "page": (8, 64, 0.25),
    "asset": (8, 256, 0),
    "question": (16, 64, 1),
    "upload": (4, 32, 0),
    "stream": (128, 0, 0),
}

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


class Shut(PageError):
    """What does not get through the door. `code` is the key of its sentence.

    Args:
        status: of HTTP.
    """

    def __init__(self, code: str, status: int, **facts: object) -> None:
        super().__init__(code, **facts)
        self.status = status


@dataclass(frozen=True)
class Route:
    """An address that leads to Gradio.

    Attributes:
        methods: of HTTP.
        path: what it looks like, whole; its groups are handed to `look`.
        kind: a key of SHARES.
        query: parameters that are handed on; each a plain name.
        look: name of the Door's method that looks at a question's body, or at a stream's name, first.
    """

    methods: tuple[str, ...]
    path: str
    kind: str
    query: tuple[str, ...] = ()
    look: str = ""

    def match(self, method: str, path: str) -> re.Match[str] | None:
        """The path's match, if it is this one."""
        return re.fullmatch(self.path, path) if method in self.methods else None


NAME = r"[A-Za-z0-9_-]{1,64}"
GET, POST, LOOK = ("GET",), ("POST",), ("GET", "HEAD")
API = "/gradio_api"
ROUTES = (
    Route(LOOK, "/", "page"),
    Route(LOOK, r"/(?:assets|static)/[A-Za-z0-9_./-]+", "asset"),
    Route(LOOK, rf"(?:{API})?/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json", "asset"),
    Route(GET, rf"/config/?|{API}/info/?|{API}/app_id/?", "page"),
    Route(GET, rf"{API}/heartbeat/{NAME}", "stream"),
    Route(GET, rf"{API}/upload_progress", "stream", ("upload_id",)),
    Route(GET, rf"{API}/queue/data", "stream", ("session_hash",), "session"),
    Route(GET, rf"{API}/call/(?:v2/)?({NAME})/({NAME})", "stream", (), "event"),
    Route(POST, rf"{API}/upload/?", "upload", ("upload_id",)),
    Route(POST, rf"{API}/queue/join", "question", (), "join"),
    Route(POST, rf"{API}/call/({NAME})/?", "question", (), "call"),
    Route(POST, rf"{API}/call/v2/({NAME})/?", "question", (), "named_call"),
    Route(POST, rf"{API}/component_server/?", "question", (), "component"),
    Route(POST, rf"{API}/cancel/?", "question", (), "cancel"),
    Route(POST, rf"{API}/reset/?", "question", (), "reset"),
)


class Door:
    """ASGI middleware before Gradio's app.

    Args:
        app: Gradio's.
        page: of that app; what can be called is read from it.
        texts: for what the door says.
        proxies: how many proxies stand before this server, each of which adds the address that it was asked from to
            X-Forwarded-For. The header is believed as far as that, and with 0 not at all.
    """

    def __init__(self, app: ASGIApp, page: gr.Blocks, texts: PageTexts, proxies: int = 0) -> None:
        self.app, self.page, self.texts, self.proxies = app, page, texts, proxies
        self._shares = Shares()
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the start and the end of the server
            await self.app(scope, receive, send)
            return
        answer = Answer(scope, send, self.texts)
        try:
            scope["client"] = self.client(scope), 0
            await self._through(scope, receive, answer)
        except Exception as error:
            await self._failed(scope, answer, error)

    async def _through(self, scope: Scope, receive: Receive, answer: "Answer") -> None:
        route, names = route_of(scope)
        scope["query_string"] = _query(scope, route)
        async with self._shares.place(scope["client"][0], route.kind):
            if scope["method"] == "OPTIONS":  # asked by a browser before a page of another host may call
                pass
            elif route.kind == "question":
                body = await _question(scope, receive)
                body = getattr(self, f"_{route.look}")(body, *names)
                receive = _given(scope, orjson.dumps(body), receive)
            elif route.kind == "upload":
                receive = Counted(_boundary(scope), receive, answer)
            elif route.look == "session" and not self._session(scope):
                await answer.stream(self._lost())
                return
            elif route.look == "event":
                self._event(*names)
            await self.app(scope, receive, answer.send)
        await answer.end()

    async def _failed(self, scope: Scope, answer: "Answer", error: Exception) -> None:
        """Answer a request that failed, if there still is somebody to answer; log what was the server's own fault."""
        shut = answer.shut or (error if isinstance(error, Shut) else None)
        if shut is None and not _ordinary(error):
            log.error("%s %s failed: %s", scope["method"], scope["path"], _described(error))
        with contextlib.suppress(OSError, RuntimeError):
            await answer.refuse(shut or Shut("internal", 500))
            await answer.end()

    def client(self, scope: Scope) -> str:
        """Whose share a request counts for: an address, of IPv6 the first half, as one client has all of the other."""
        address = (scope.get("client") or ("", 0))[0]
        named = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
        passed = [part.strip() for part in named.split(",") if part.strip()]
        if self.proxies and len(passed) >= self.proxies:
            address = passed[-self.proxies]
        elif passed and not self.proxies and not self._warned:
            self._warned = True
            log.warning("Requests come by a proxy; TWO_MINDS_PROXIES=1 (or how many) lets visitors be told apart.")
        return network(address)

    # --- what can be asked ------------------------------------------------------------------------------------------

    def _join(self, body: Any) -> dict[str, Any]:
        asked = _only(body, data=list, fn_index=int, session_hash=NAME)
        function = self.page.fns.get(asked["fn_index"])
        if function is None:
            raise Shut("no_function", 404)
        self._count(asked["data"], function)
        event, trigger = body.get("event_data"), body.get("trigger_id")
        inside = event.values() if isinstance(event, dict) else [event]
        if any(_holds_object(value) for value in inside):  # the view sends none; Gradio takes it for a file
            raise Shut("not_known", 400)
        return asked | {"event_data": event, "trigger_id": trigger if type(trigger) is int else None}

    def _call(self, body: Any, name: str) -> dict[str, Any]:
        asked = _only(body, data=list)
        self._count(asked["data"], self._named(name))
        return asked

    def _named_call(self, body: Any, name: str) -> dict[str, Any]:
        function = self._named(name)
        parameters = self.page.get_api_info()["named_endpoints"][f"/{name}"]["parameters"]
        names = [parameter["parameter_name"] for parameter in parameters]
        needed = {parameter["parameter_name"] for parameter in parameters if not parameter["parameter_has_default"]}
        if not isinstance(body, dict) or not needed <= body.keys() <= set(names):
            raise self._arguments(function)
        return body

    def _component(self, body: Any) -> dict[str, Any]:
        asked = _only(body, component_id=int, fn_name=NAME, session_hash=NAME)
        block = self.page.blocks.get(asked["component_id"])
        if not getattr(getattr(block, asked["fn_name"], None), "_is_server_fn", False):
            raise Shut("no_function", 404)
        return asked | {"data": body.get("data")}

    def _cancel(self, body: Any) -> dict[str, Any]:
        return _only(body, session_hash=NAME, fn_index=int, event_id=NAME)

    def _reset(self, body: Any) -> dict[str, Any]:
        return _only(body, event_id=NAME)

    def _session(self, scope: Scope) -> bool:
        sessions = dict(parse_qsl(scope["query_string"].decode()))
        return sessions.get("session_hash") in self.page._queue.pending_messages_per_session

    def _event(self, name: str, event_id: str) -> None:
        self._named(name)
        queue = self.page._queue
        waiting = queue.pending_event_ids_session.values()
        if event_id not in queue.event_ids_to_events and not any(event_id in events for events in waiting):
            raise Shut("no_question", 404)

    def _named(self, name: str) -> Any:
        """The function of an endpoint for programs."""
        public = [function for function in self.page.fns.values() if function.api_visibility == "public"]
        function = next((function for function in public if function.api_name == name), None)
        if function is None:
            raise Shut("no_function", 404)
        return function

    def _count(self, data: list[Any], function: Any) -> None:
        if len(data) != len(function.inputs):
            raise self._arguments(function)

    def _arguments(self, function: Any) -> Shut:
        names = [block.label or "" for block in function.inputs]
        return Shut("arguments", 400, count=len(names), names=", ".join(names)) if names else Shut("not_known", 400)

    def _lost(self) -> bytes:
        """What Gradio's browser code understands of a question that is not there."""
        told = {"msg": "unexpected_error", "success": False, "session_not_found": True, "code": "no_question"}
        return b"data: " + orjson.dumps(told | {"message": self.texts.say("no_question")}) + b"\n\n"


# --- which address, and whose -----------------------------------------------------------------------------------------


def route_of(scope: Scope) -> tuple[Route, tuple[str, ...]]:
    """The route of a request, with the groups of its path. Shut if it has none."""
    method = scope["method"]
    if method == "OPTIONS":
        asked = dict(scope["headers"]).get(b"access-control-request-method", b"").decode("latin-1")
        method = asked or method
    path = scope["path"]
    for route in ROUTES if "//" not in path and "/.." not in path else ():
        if match := route.match(method, path):
            return route, match.groups()
    raise Shut("no_address", 404)


def network(address: str) -> str:
    """An address as its client's: an IPv4 one whole, of IPv6 the first 64 bits, other text as it is."""
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        known = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if known.version == 6 and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(known) if known.version == 4 else str(ipaddress.ip_network(f"{known}/64", strict=False))


def _query(scope: Scope, route: Route) -> bytes:
    """What is handed on of a request's parameters. Shut if one of them is no plain name."""
    if not route.query:
        return b""
    given = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=10, keep_blank_values=True))
    known = {name: given[name] for name in route.query if name in given}
    missing = route.kind == "stream" and len(known) < len(route.query)
    if missing or not all(re.fullmatch(NAME, value) for value in known.values()):
        raise Shut("not_known", 400)
    return urlencode(known).encode()


# --- shares -----------------------------------------------------------------------------------------------------------


@dataclass
class _Line:
    free: asyncio.Semaphore
    inside: int = 0


class Shares:
    """Counts what goes on at once, by client and kind; what is more than SHARES waits, or is refused."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], _Line] = {}

    @contextlib.asynccontextmanager
    async def place(self, client: str, kind: str) -> AsyncIterator[None]:
        """While this lasts, the client takes one place. Shut where too many of its requests wait already."""
        at_once, waiting, seconds = SHARES[kind]
        line = self._lines.setdefault((client, kind), _Line(asyncio.Semaphore(at_once)))
        if line.inside >= at_once + waiting:
            raise Shut("share", 429)
        line.inside += 1
        loop = asyncio.get_running_loop()
        try:
            await line.free.acquire()
            end = loop.time() + seconds
        except BaseException:
            self._leave(client, kind)
            raise
        try:
            yield
        finally:
            loop.call_later(max(0, end - loop.time()), self._release, client, kind)

    def _release(self, client: str, kind: str) -> None:
        self._lines[client, kind].free.release()
        self._leave(client, kind)

    def _leave(self, client: str, kind: str) -> None:
        line = self._lines[client, kind]
        line.inside -= 1
        if not line.inside:
            del self._lines[client, kind]


# --- bodies -----------------------------------------------------------------------------------------------------------


async def _next(receive: Receive, seconds: float) -> Message:
    """The next piece of a body. Shut if it does not come in time."""
    try:
        return await asyncio.wait_for(receive(), min(seconds, REST))
    except TimeoutError:
        raise Shut("slow", 408) from None


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _declared(scope: Scope, most: int) -> None:
    """Shut if a request says that its body is longer than `most` bytes."""
    length = _header(scope, b"content-length")
    if length.isdecimal() and int(length) > most:
        raise Shut("long", 413, megabytes=most // MEGA)


async def _question(scope: Scope, receive: Receive) -> Any:
    """A question's body, read and parsed. Shut if it is too long, too slow, or no plain JSON."""
    if _header(scope, b"content-type").partition(";")[0].strip().lower() != "application/json":
        raise Shut("not_json", 415)
    _declared(scope, QUESTION)
    body, more = bytearray(), True
    end = asyncio.get_running_loop().time() + LONGEST["question"]
    while more:
        message = await _next(receive, end - asyncio.get_running_loop().time())
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


def _given(scope: Scope, body: bytes, receive: Receive) -> Receive:
    """A `receive` that hands on this body, and then waits for the client to leave."""
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    scope["headers"].append((b"content-length", str(len(body)).encode()))
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return messages.pop() if messages else await receive()

    return give


def _only(body: Any, **kinds: type | str) -> dict[str, Any]:
    """These entries of an object. Shut if one is missing, of another type, or no plain name."""
    for name, kind in kinds.items():
        value = body.get(name) if isinstance(body, dict) else None
        right = type(value) is kind if isinstance(kind, type) else type(value) is str and re.fullmatch(kind, value)
        if not right:
            raise Shut("not_known", 400)
    return {name: body[name] for name in kinds}


def _holds_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_holds_object(inside) for inside in value))


def _boundary(scope: Scope) -> bytes:
    """What stands between the parts of an upload. Shut if it says that it is none, or too long a one."""
    _declared(scope, UPLOAD)
    kind, options = parse_options_header(_header(scope, b"content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
        raise Shut("one_file", 400)
    return boundary


@dataclass
class Counted:
    """An upload's `receive`, which lets one file in a field "files" through: Gradio takes a thousand, of any name.

    Args:
        boundary: what stands between its parts.
        receive: the server's.
        answer: to be told why, as Gradio would say so in its own words.
    """

    boundary: bytes
    receive: Receive
    answer: "Answer"
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
            message = await _next(self.receive, self._end - asyncio.get_running_loop().time())
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


# --- answers ----------------------------------------------------------------------------------------------------------


class Answer:
    """What goes back: with the headers of the house, and an error as one sentence, whoever found it.

    Attributes:
        shut: why the request is refused, if the door found it while Gradio was reading.
    """

    def __init__(self, scope: Scope, send: Send, texts: PageTexts) -> None:
        self.shut: Shut | None = None
        self._scope, self._send, self._texts = scope, send, texts
        self._begun = self._over = self._replaced = False

    async def send(self, message: Message) -> None:
        """Gradio's own message, or what stands for it."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                self._replaced = True
                await self.refuse(self.shut or _of_status(message["status"]), _cross_origin(message))
                return
            self._begun = True
            message = {**message, "headers": _with(message.get("headers", []), HEADERS)}
        elif message["type"] == "http.response.body":
            self._over = not message.get("more_body", False)
        await self._pass_on(message)

    async def refuse(self, shut: Shut, headers: Mapping[str, str] = {}) -> None:  # noqa: B006  never changed
        """Send the sentence, unless something has been sent already."""
        if self._begun:
            return
        self._begun = self._over = True
        sentence = self._texts.told(shut)
        body = orjson.dumps({"detail": sentence, "error": sentence, "code": shut.code})
        said = {"content-type": "application/json", "content-length": str(len(body)), "cache-control": "no-store"}
        start = {"type": "http.response.start", "status": shut.status, "headers": _with([], said | HEADERS | headers)}
        await self._pass_on(start)
        await self._pass_on({"type": "http.response.body", "body": body})

    async def stream(self, event: bytes) -> None:
        """Send a stream of one event."""
        self._begun = self._over = True
        said = {"content-type": "text/event-stream", "cache-control": "no-store"}
        await self._pass_on({"type": "http.response.start", "status": 200, "headers": _with([], said | HEADERS)})
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


def _ordinary(error: BaseException) -> bool:
    """Whether it is no fault of ours: the visitor has left, or something is not there."""
    return all(isinstance(single, ClientDisconnect | HTTPException | Shut) for single in _each(error))


def _described(error: BaseException) -> str:
    """An exception in one line: what it says, and where it was raised."""
    deepest = _each(error)[0]
    frames = traceback.extract_tb(deepest.__traceback__)[-3:]
    places = " < ".join(
        f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in reversed(frames)
    )
    return f"{type(deepest).__name__}: {deepest} ({places})"
