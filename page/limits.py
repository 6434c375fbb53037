"""How much of strangers' the server takes on at once, and how little of it it keeps.

Gradio keeps the latest answer of each session, the picture in it, and every answer that nobody fetched, without any
limit of time; uploads it deletes by age alone; and of its full queue the view learns nothing. So questions wait here,
and what is old or too much is dropped by a timer.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from anyio.to_thread import run_sync

from explain.pictures import MEGA
from page.service import Service
from page.uploads import SWEEP

AT_ONCE = 2  # questions; the machine is made for two cores
WAITING = 32  # questions behind them before one is refused; with those less than Gradio's 40 workers
QUEUE = 256  # Gradio's own, never full before ours
SESSIONS = 64  # whose latest answer, about a megabyte, may be in memory; more than can wait
UPLOADS = 512 * MEGA  # bytes
EVERY = 10  # seconds between two looks


class Gate:
    """Lets AT_ONCE questions through at a time, keeps WAITING more, and refuses the next with one sentence."""

    def __init__(self, page: gr.Blocks, service: Service) -> None:
        self._page, self._service = page, service
        self._free = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def ask(self, asked: Any, session: str | None) -> dict[str, Any]:
        """`Service.ask` in a thread, when it is this question's turn; its code is "busy" where too many wait."""
        if self._inside >= AT_ONCE + WAITING:
            return self._service.refused(asked, "busy")
        self._inside += 1
        try:
            async with self._free:
                if any(event.session_hash == session and not event.alive for event in _running(self._page)):
                    return self._service.refused(asked, "busy")  # the visitor has left meanwhile, and nobody reads this
                return await run_sync(self._service.ask, asked)
        finally:
            self._inside -= 1


@contextlib.asynccontextmanager
async def sweeping(app: Any) -> AsyncIterator[None]:
    """Gradio's app with the timer running: `launch(app_kwargs={"lifespan": sweeping})`."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(EVERY)
            forget(app.get_blocks(), SWEEP[1])
            trim(app.get_blocks().upload_file_set, UPLOADS)

    task = asyncio.create_task(sweep())
    try:
        yield
    finally:
        task.cancel()


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


def trim(files: set[str], most: int) -> None:
    """Delete the oldest of these files beyond `most` bytes in all; the page sends one again if need be."""
    dated = []
    for path in list(files):
        with contextlib.suppress(OSError):
            status = os.stat(path)
            dated.append((status.st_ctime, status.st_size, path))
    total = 0
    for _, size, path in sorted(dated, reverse=True):
        total += size
        if total > most:
            with contextlib.suppress(OSError):
                os.remove(path)
            files.discard(path)


def _running(page: gr.Blocks) -> list[Any]:
    return [event for job in page._queue.active_jobs if job for event in job]
