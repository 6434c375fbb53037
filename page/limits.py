"""How much of strangers' the server takes on at once, and how little of it it keeps.

Gradio keeps the latest answer of each session, the picture in it, and every answer that nobody fetched, without any
limit of time; of uploads it deletes only those that came as they should; and of its full queue the view learns nothing.
So questions wait here, and what is old or too much is dropped by a timer.
"""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from anyio.to_thread import run_sync

from explain.pictures import MEGA
from page.folder import Folder, sweep
from page.jobs import Lane, Task
from page.service import Service
from page.uploads import SWEEP

log = logging.getLogger("two-minds")

AT_ONCE = 2  # questions; the machine is made for two cores
WAITING = 32  # questions behind them before one is refused; with those less than Gradio's 40 workers
SHARE = 8  # questions of one client among all these
MANY = 2  # of one client, more than which can wait: a visitor who has changed his mind has two
PATIENCE = 20  # seconds after which one of them goes on beside the others all the same
LOOK = 0.5  # seconds between two looks whether who waits for what takes long is still there
PAUSE = 0.5  # seconds in which whoever was answered may ask again before they go on
QUEUE = 256  # Gradio's own, never full before ours
QUEUE_LOOK = 0.01  # seconds between two looks of that queue whether there is something to do; Gradio has 0.001
SESSIONS = 64  # whose latest answer, about a megabyte, may be in memory; more than can wait
UPLOADS = 512 * MEGA  # bytes
EVERY = 10  # seconds between two looks
clock = time.time  # by which uploads get old


class Gate:
    """Lets AT_ONCE questions through at a time, one a client, keeps WAITING more, and refuses the next.

    The place that gets free is for who has waited longest among those that were let through least, and a client who
    asks much at once goes on only when nobody else is being answered: another's question then waits at most for the end
    of the one that is running.
    """

    def __init__(self, page: gr.Blocks, service: Service) -> None:
        self._page, self.service = page, service
        self.lanes = {passes: Lane(service.give_way) for passes in (False, True)}  # what runs a model many times: True
        self._waiting: list[_Question] = []
        self._running: list[_Question] = []
        self._served: dict[str, int] = {}  # questions let through, of the clients that are inside
        self._last: dict[str, float] = {}  # when the last one was, by the loop's clock
        self._pause = 0.0  # its end

    async def ask(self, asked: Any, session: str | None, client: str = "") -> dict[str, Any]:
        """The answer to a question, when it is its turn; its code is "busy" or "busy_slow" where too many wait.

        What `Service.ask` gives a task for is done in a lane: it takes no place of those that are answered at once.
        """
        answer = await self._at_once(asked, session, client)
        return await self._slowly(answer, asked, session, client) if isinstance(answer, Task) else answer

    async def _slowly(self, task: Task, asked: Any, session: str | None, client: str) -> dict[str, Any]:
        lane = self.lanes[task.passes]
        given = asked.get("ticket") if isinstance(asked, dict) else None
        ticket = given if isinstance(given, str) and 16 <= len(given) <= 64 else uuid.uuid4().hex
        try:
            future = asyncio.wrap_future(lane.join(task, ticket, client))
            while not future.done():
                await asyncio.wait([future], timeout=LOOK)
                if not future.done() and self._left(session):
                    lane.leave(ticket)
            answer = future.result()
        except Exception as error:
            return self.service.failed(asked, error)
        finally:
            lane.leave(ticket)
        return self.service.refused(asked, "cancelled") if answer is None else self.service.numbered(asked, answer)

    def progress(self, ticket: object) -> dict[str, Any] | None:
        """How far a ticket's question is, see `Lane.told`."""
        return next((told for lane in self.lanes.values() if (told := lane.told(ticket))), None)

    def cancel(self, ticket: object) -> bool:
        """Give a ticket's question up; whether there was one."""
        return any(lane.leave(ticket) for lane in self.lanes.values())

    def stop(self) -> None:
        """End what takes long."""
        for lane in self.lanes.values():
            lane.stop()

    def _left(self, session: str | None) -> bool:
        """Whether the visitor has left, so that nobody reads the answer."""
        return any(event.session_hash == session and not event.alive for event in _running(self._page))

    async def _at_once(self, asked: Any, session: str | None, client: str) -> dict[str, Any] | Task:
        """`Service.ask` in a thread, when it is this question's turn."""
        if len(self._waiting) + len(self._running) >= AT_ONCE + WAITING or self.full(client):
            return self.service.refused(asked, "busy")
        loop = asyncio.get_running_loop()
        question = _Question(client, loop.create_future(), loop.time())
        self._waiting.append(question)
        self._next()
        try:
            await question.turn
            if self._left(session):
                return self.service.refused(asked, "busy")
            return await run_sync(self.service.ask, asked)
        finally:
            if not self._insists(client):
                self._pause = loop.time() + PAUSE
                loop.call_later(PAUSE, self._next)
            (self._running if question in self._running else self._waiting).remove(question)
            self._next()

    def full(self, client: str) -> bool:
        """Whether as many of a client's questions are inside as may be."""
        return self._inside(client) >= SHARE

    def _inside(self, client: str) -> int:
        return sum(question.client == client for question in [*self._waiting, *self._running])

    def _next(self) -> None:
        clients = {question.client for question in [*self._waiting, *self._running]}
        self._served = {client: self._served.get(client, 0) for client in clients}
        self._last = {client: last for client, last in self._last.items() if client in clients}
        while len(self._running) < AT_ONCE:
            ready = [question for question in self._waiting if self._may(question)]
            if not ready:
                return
            question = min(ready, key=lambda question: self._served[question.client])
            self._waiting.remove(question)
            self._running.append(question)
            self._served[question.client] += 1
            self._last[question.client] = question.turn.get_loop().time()
            if not question.turn.done():
                question.turn.set_result(None)

    def _may(self, question: "_Question") -> bool:
        """Whether it may begin beside those that are running."""
        running = [other.client for other in self._running]
        now = question.turn.get_loop().time()
        since = max(question.since, self._last.get(question.client, 0))
        waits = self._insists(question.client) and now - since < PATIENCE
        return question.client not in running and not (waits and (running or now < self._pause))

    def _insists(self, client: str) -> bool:
        return self._inside(client) > MANY


@dataclass(eq=False)
class _Question:
    client: str
    turn: asyncio.Future[None]
    since: float


def sweeping(folder: Folder) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """What runs beside Gradio's app, as its `lifespan`: the timer that drops what is old or too much."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweep(app.get_blocks(), folder))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def _sweep(page: gr.Blocks, folder: Folder) -> None:
    while True:
        await asyncio.sleep(EVERY)
        try:
            forget(page, SWEEP[1])
            page.gate.service.kept.forget()  # type: ignore[attr-defined]  # layout's
            await run_sync(folder.trim, SWEEP[1], UPLOADS, clock())
            await run_sync(
                sweep, folder.path.parent
            )  # a killed server keeps its lock until it has given back its memory
            page.upload_file_set.intersection_update([path for path in page.upload_file_set if os.path.exists(path)])
        except Exception:
            log.exception("What is old could not be dropped.")


def forget(page: gr.Blocks, age: float) -> None:
    """Drop what Gradio keeps of sessions not used for `age` seconds, and of those that it has itself let go.

    To be called in the server's event loop. A session with a question that waits or runs stays as it is.
    """
    queue, holder = page._queue, page.state_holder
    waiting = [event for line in queue.event_queue_per_concurrency_id.values() for event in line.queue]
    live = {event.session_hash for event in [*waiting, *_running(page)]}
    oldest = datetime.now() - timedelta(seconds=age)
    for session, used in list(holder.time_last_used.items()):
        if used < oldest and session not in live:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)
    for held in (queue.pending_messages_per_session, queue.pending_event_ids_session):
        for session in [name for name in held if name not in holder.session_data and name not in live]:
            del held[session]


def _running(page: gr.Blocks) -> list[Any]:
    return [event for job in page._queue.active_jobs if job for event in job]
