"""How much of one client goes on at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from page.errors import Shut

# Of one client: at once, waiting behind them, and seconds that a place is taken at least, so that nobody asks in a
# tight loop. A browser takes six connections, Evidence asks seven questions at first, an address may be a school's.
SHARES = {
    "page": (8, 64, 0.25),
    "asset": (8, 256, 0),
    "question": (16, 64, 1),
    "upload": (4, 32, 0),
    "program": (4, 32, 0),
    "health": (8, 64, 0),
    "stream": (128, 0, 0),
}


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
