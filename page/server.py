"""Serves the page: Gradio's app, behind the door, by a uvicorn that closes what idles."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from typing import Any

import fastapi
import gradio as gr
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from page import layout, limits, programs
from page.door import Door
from page.folder import Folder
from page.texts import PageTexts

HOST, PORT = "127.0.0.1", 7860
PORTS = 100  # tried one after another
HEAD = 10  # seconds for a request's head, from when the connection is open or the last answer was sent
CONNECTIONS = 128  # of one address, where no proxy stands before us
STARTING = 30  # seconds
ENDING = 5  # seconds in which what is being answered may come to its end
STOPPING = 2  # seconds for what then is still being sent


class Server:
    """The page at an address, served from a thread of its own.

    Args:
        page: as `layout.build` makes it.
        texts: for what the door says.
        folder: for uploads; in use already.
        host: the address to listen at.
        port: the first one to try; the next free one is taken.
        proxies: as `Door` has it.
    """

    def __init__(
        self,
        page: gr.Blocks,
        texts: PageTexts,
        folder: Folder,
        host: str = HOST,
        port: int = PORT,
        proxies: int = 0,
    ) -> None:
        self.page = page
        page.state_session_capacity = limits.SESSIONS
        outer = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        gr.mount_gradio_app(
            outer,
            page,
            "/",
            root_path=os.environ.get("GRADIO_ROOT_PATH") or None,
            app_kwargs={"lifespan": limits.sweeping(folder), "openapi_url": None},
            **layout.options(),
        )
        self.app = next(route.app for route in outer.routes if isinstance(getattr(route, "app", None), gr.routes.App))
        page.config["version"] = (
            page.config["version"].partition(".")[0] + ".0.0"
        )  # which one exactly is nobody's business
        logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # else it logs each address that is asked for
        self._socket = _listening(host, port)
        self._door = Door(outer, page, texts, proxies, programs.application(page.gate))
        config = uvicorn.Config(
            self._door,
            http=InTime,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the door's
            timeout_graceful_shutdown=STOPPING,
        )
        self._uvicorn = _Uvicorn(config, self.app)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}/"

    def start(self) -> None:
        """Serve; returns when it can be asked."""
        self._thread.start()
        end = time.monotonic() + STARTING
        while not self._uvicorn.started:
            if self._ended.is_set() or time.monotonic() > end:
                raise RuntimeError("The page could not be served.")
            time.sleep(0.005)

    def wait(self) -> None:
        """Return when the server has ended."""
        # No join: Python 3.11 takes a thread for ended whose join was left by a signal's exception.
        while not self._ended.wait(1):
            pass

    def close(self) -> None:
        """End it: what is being answered may end first, in ENDING seconds; nothing new begins."""
        self._door.stopping = True
        end = time.monotonic() + ENDING
        while self._door.answering and not self._ended.is_set() and time.monotonic() < end:
            time.sleep(0.02)
        self.page.gate.stop()  # type: ignore[attr-defined]  # layout's: what takes long is given up
        self._uvicorn.should_exit = True
        self._ended.wait(STOPPING + 5)

    def _run(self) -> None:
        try:
            self._uvicorn.run([self._socket])
        finally:
            self._ended.set()


class InTime(H11Protocol):
    """A connection that is closed where no request comes in time, and refused where its address has many already.

    uvicorn closes one that rests between two requests, but waits for ever for the rest of a request's head.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}  # for the door, where nobody takes an answer
        peers = [other.client[0] for other in self.connections if other.client]
        door: Any = self.config.app
        if self.client and not door.proxies and peers.count(self.client[0]) > CONNECTIONS:
            transport.abort()
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer:
            self._timer.cancel()

    def _look(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self._timer:
            self._timer.cancel()
            self._timer = None
        elif not answering and not self._timer:
            self._timer = self.loop.call_later(HEAD, self.transport.abort)


class _Uvicorn(uvicorn.Server):
    """Ends the streams of open pages when it ends, as they would never end by themselves."""

    def __init__(self, config: uvicorn.Config, app: gr.routes.App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        page = self._app.get_blocks()
        page._queue.close()
        page.is_running = False
        self._app.stop_event.set()
        await super().shutdown(sockets)


def _listening(host: str, port: int) -> socket.socket:
    """A socket at the first free port from `port` on; any, for 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, port + PORTS) if port else [0]:
        with contextlib.suppress(OSError):
            return socket.create_server((host.strip("[]"), candidate), family=family, backlog=2048)
    raise OSError(f"No port from {port} to {port + PORTS - 1} is free.")
