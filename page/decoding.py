"""Reads strangers' pictures in processes of their own, so that a decoder's fault costs one picture and nobody else's.

Two such processes are kept (`page.decoder`). One that takes too long, too much memory or dies is replaced, and its
picture is answered with a sentence.
"""

import contextlib
import functools
import json
import logging
import mmap
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explain.pictures import AT_ONCE, KEPT_PIXELS, MEGA, MEMORY, Picture, PictureError, read

log = logging.getLogger("two-minds")

ROOT = Path(__file__).resolve().parent.parent
BYTES, PLACES = 3 * KEPT_PIXELS, 2  # of the shared memory, as `page.decoder` has it
SECONDS = 8  # of CPU time for a picture; the slowest lawful ones need some three
PATIENCE = 30  # seconds by the clock, as others compute as well
STARTING = 60  # seconds until a process is ready, a second as a rule
ROOM = MEMORY + 200 * MEGA  # bytes: pixels, the file in several copies, and a step of the work
COMMAND = (sys.executable, "-m", "page.decoder")
COSTLY = {-signal.Signals[name] for name in ("SIGXCPU", "SIGALRM", "SIGKILL") if name in signal.Signals.__members__}


class Died(Exception):
    """A process ended, or said what it cannot have said, amid a picture. `returncode` as of `subprocess`, or None."""

    def __init__(self, returncode: int | None) -> None:
        super().__init__(f"ended with {returncode}")
        self.returncode = returncode


class Decoder:
    """One process, and the memory that it hands pixels over in.

    Args:
        command: what starts it.
        seconds, patience, memory: see `page.decoder.serve`.
    """

    def __init__(self, command: Sequence[str], seconds: int, patience: int, memory: int) -> None:
        self._patience = patience
        self._limited: bool | None = None
        self._lent: Callable[[], object] = lambda: None
        descriptor = os.memfd_create("picture")
        try:
            os.ftruncate(descriptor, PLACES * BYTES)
            self._shared = mmap.mmap(descriptor, PLACES * BYTES)
            self.process = subprocess.Popen(
                [*command, *map(str, (descriptor, seconds, patience, memory))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries write a line for each odd strip of a file
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[descriptor],
                bufsize=0,
            )
        finally:
            os.close(descriptor)

    @property
    def limited(self) -> bool:
        """Whether the system holds the process to its memory; waits until it is ready. Raises Died."""
        if self._limited is None:
            self._limited = self._answer(STARTING).get("limited") is True
        return self._limited

    def read(self, path: str) -> Picture:
        """A picture, once `limited` was asked.

        Its pixels are the shared memory itself, as a copy of 12 megapixels takes 10 ms; a copy of it while an earlier
        picture is still in use.

        Raises:
            PictureError: as `explain.pictures.read` does.
            Died: where the process has come to its end.
        """
        place = 0 if self._lent() is None else 1
        try:
            self.process.stdin.write(json.dumps([path, place]).encode() + b"\n")
        except OSError:
            raise Died(self.end(1)) from None
        answer = self._answer(self._patience + 1)
        try:
            if "code" in answer:
                raise PictureError(answer["code"], **answer["facts"])
            height, width = answer["size"]
            values = np.frombuffer(self._shared, np.uint8, 3 * height * width, place * BYTES)
            if place:
                values = values.copy()
            else:
                self._lent = weakref.ref(values)  # alive as long as any view of it
            return Picture(values.reshape(height, width, 3), tuple(answer["notes"]))
        except PictureError:
            raise
        except (KeyError, TypeError, ValueError):  # of one that a file has taken over
            self.end()
            raise Died(None) from None

    def _answer(self, patience: float) -> dict[str, Any]:
        """The next line that it says."""
        waiting = select.poll()
        waiting.register(self.process.stdout, select.POLLIN)
        if not waiting.poll(1000 * patience):
            raise Died(self.end())
        try:
            answer = json.loads(self.process.stdout.readline())
        except ValueError:
            raise Died(self.end(1)) from None
        if not isinstance(answer, dict):
            self.end()
            raise Died(None)
        return answer

    def end(self, patience: float = 0) -> int:
        """Make an end of it, unless it ends by itself within `patience` seconds; how it ended."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
        returncode = self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        return returncode


class Decoders:
    """Several processes that read pictures, each one at a time. Safe under threads.

    Where a system has no limits for processes, pictures are read in this one.

    Args:
        count: how many.
        command, seconds, patience, memory: see `Decoder`.
    """

    def __init__(
        self,
        count: int = AT_ONCE,
        command: Sequence[str] = COMMAND,
        seconds: int = SECONDS,
        patience: int = PATIENCE,
        memory: int = ROOM,
    ) -> None:
        self._start = functools.partial(Decoder, command, seconds, patience, memory)
        self._apart = sys.platform == "linux"
        self._told = threading.Lock()
        self._idle: queue.LifoQueue[Decoder | None] = queue.LifoQueue()  # None: yet to be started
        for _ in range(count):
            self._idle.put(None)

    def start(self) -> None:
        """Start the processes; they become ready by themselves. Without it each is started when it is needed."""
        for decoder in self._taken() if self._apart else []:
            self._idle.put(decoder or self._started())

    def close(self) -> None:
        """End those that are idle. All others end with this process."""
        for decoder in self._taken():
            if decoder is not None:
                decoder.end()
            self._idle.put(None)

    def read(self, path: str) -> Picture:
        """A picture, when it is its turn.

        Args:
            path: of the file.

        Raises:
            PictureError: as `explain.pictures.read` does; "too-costly" where it passes the limits, "unread" where the
                process died of it.
        """
        if not self._apart:
            return self._read_here(path)
        decoder = self._idle.get()
        try:
            if decoder is None or decoder.process.poll() is not None:
                decoder = self._start()
            if not decoder.limited:
                self._apart = False
                decoder.end()
                decoder = None
                return self._read_here(path)
            return decoder.read(path)
        except OSError:
            log.exception("No process can be started to read pictures.")
            raise PictureError("unread") from None
        except Died as death:
            decoder = self._started()
            costly = death.returncode in COSTLY
            log.warning(
                "A picture was given up: %s.",
                "it costs too much time or memory" if costly else "its reader " + str(death),
            )
            raise PictureError("too-costly" if costly else "unread") from None
        finally:
            self._idle.put(decoder)

    def _taken(self) -> list[Decoder | None]:
        """Those that are idle, no longer to be had."""
        taken = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._idle.get_nowait())
        return taken

    def _started(self) -> Decoder | None:
        try:
            return self._start()
        except OSError:  # tried again when it is needed
            return None

    def _read_here(self, path: str) -> Picture:
        if self._told.acquire(blocking=False):
            log.warning("This system does not limit processes: pictures are read in the server's own.")
        return read(path)
