"""The front door: what of HTTP gets as far as Gradio, how much of it, in what time, and what goes back.

Gradio serves far more than this page needs, reads bodies of any length, and answers what it does not expect with a
traceback in the log. So only the addresses in `ROUTES` lead to it; a body is counted while it comes in, and a
question's is looked at before Gradio has it; each client has a share of what goes on; errors are a sentence and a code.
"""

import contextlib
import logging
import secrets
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from explain.pictures import MAX_BYTES
from page import mcp
from page.door.answers import Answer, first, ordinary
from page.door.bodies import Counted, OneFile, boundary_of, declared, given, holds_object, only, question
from page.door.routes import API, NAME, OWN, READY, Route, network, query_of, route_of, told
from page.door.shares import Shares
from page.errors import Shut
from page.log import described
from page.texts import TABLES, PageTexts, language_of

log = logging.getLogger("two-minds")

ASKING = ("join", "call", "named_call", "picture", "tool")
WORK = ("question", "upload", "program")  # kinds that are refused once the server is about to end
MOST = {"picture": MAX_BYTES, "tool": mcp.MOST}  # bytes of a program's request


class Door:
    """ASGI middleware before Gradio's app.

    Args:
        app: Gradio's.
        page: of that app; what can be called is read from it, and its `gate` is asked who has asked enough.
        texts: for what the door says.
        proxies: how many proxies stand before this server, each of which adds the address that it was asked from to
            X-Forwarded-For. The header is believed as far as that, and with 0 not at all.
        programs: what answers `OWN`, as `page.programs` makes it.

    Attributes:
        stopping: whether the server is about to end: what is being answered goes on, nothing new begins.
        answering: how many questions, and streams that wait for their answers, are under way.
    """

    def __init__(
        self, app: ASGIApp, page: Any, texts: PageTexts, proxies: int = 0, programs: ASGIApp | None = None
    ) -> None:
        self.app, self.page, self.texts, self.proxies = app, page, texts, proxies
        self._spoken = {language: PageTexts(language) for language in TABLES}
        self.programs = programs
        self._named_by = {"x-instance": secrets.token_hex(4)}  # so that the page learns that there are several
        self.stopping, self.answering = False, 0
        self._shares = Shares()
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the start and the end of the server
            await self.app(scope, receive, send)
            return
        answer = Answer(scope, send, self._texts(scope), self._named_by)
        try:
            scope["client"] = self.client(scope), 0
            await self._through(scope, receive, answer)
        except Exception as error:
            await self._failed(scope, answer, error)

    def _texts(self, scope: Scope) -> PageTexts:
        """What is said in a language that the browser accepts."""
        named = b",".join(value for name, value in scope["headers"] if name == b"accept-language").decode("latin-1")
        return self._spoken[language_of(named[:200])] if named else self.texts

    async def _through(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        route, names = route_of(scope)
        scope["query_string"] = query_of(scope, route)
        if self.stopping and (route.kind in WORK or scope["path"] == READY):
            raise Shut("stopping", 503)
        waited_for = route.look in (*ASKING, "session", "event")
        self.answering += waited_for
        try:
            await self._answered(scope, receive, answer, route, names)
        finally:
            self.answering -= waited_for
        await answer.end()

    async def _answered(
        self, scope: Scope, receive: Receive, answer: Answer, route: Route, names: tuple[str, ...]
    ) -> None:
        app = self.app
        async with self._shares.place(scope["client"][0], route.kind):
            if scope["method"] == "OPTIONS":  # asked by a browser before a page of another host may call
                pass
            elif route.kind == "question":
                if route.look in ASKING and self.page.gate.full(scope["client"][0]):
                    raise Shut("busy", 429)  # Gradio's queue would take 40 ms for it
                body = await question(scope, receive)
                body = getattr(self, f"_{route.look}")(body, *names)
                receive = given(scope, orjson.dumps(body), receive)
            elif route.kind == "upload":
                receive = OneFile(boundary_of(scope), receive, answer)
            elif route in OWN:
                app, answer.trusted = self.programs, True
                if route.kind == "program":
                    if self.page.gate.full(scope["client"][0]):
                        raise Shut("busy", 429)
                    declared(scope, MOST[route.look])
                    receive = Counted(receive, MOST[route.look], answer)
            elif route.look == "session" and not self._session(scope):
                await answer.stream(self._lost())
                return
            elif route.look == "event":
                self._event(*names)
            await app(scope, receive, answer.send)

    async def _failed(self, scope: Scope, answer: Answer, error: Exception) -> None:
        """Answer a request that failed, if there still is somebody to answer; log what was the server's own fault."""
        shut = answer.shut or (error if isinstance(error, Shut) else None)
        dropped = isinstance(error, KeyError) and scope["path"].startswith(
            f"{API}/queue/data"
        )  # `limits.forget` did it
        if shut is None and not dropped and not ordinary(error):
            log.error("%s %s failed: %s", scope["method"], told(scope["path"]), described(first(error)))
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
        asked = only(body, data=list, fn_index=int, session_hash=NAME)
        function = self.page.fns.get(asked["fn_index"])
        if function is None:
            raise Shut("no_function", 404)
        self._count(asked["data"], function)
        event, trigger = body.get("event_data"), body.get("trigger_id")
        inside = event.values() if isinstance(event, dict) else [event]
        if any(holds_object(value) for value in inside):  # the view sends none; Gradio takes it for a file
            raise Shut("not_known", 400)
        return asked | {"event_data": event, "trigger_id": trigger if type(trigger) is int else None}

    def _call(self, body: Any, name: str) -> dict[str, Any]:
        asked = only(body, data=list)
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
        asked = only(body, component_id=int, fn_name=NAME, session_hash=NAME)
        block = self.page.blocks.get(asked["component_id"])
        if not getattr(getattr(block, asked["fn_name"], None), "_is_server_fn", False):
            raise Shut("no_function", 404)
        return asked | {"data": body.get("data")}

    def _cancel(self, body: Any) -> dict[str, Any]:
        return only(body, session_hash=NAME, fn_index=int, event_id=NAME)

    def _reset(self, body: Any) -> dict[str, Any]:
        return only(body, event_id=NAME)

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
