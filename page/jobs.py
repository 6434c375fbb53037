"""What takes long: one after the other in a thread of its own, told how far it is, and ended when nobody wants it."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from page.errors import PageError

log = logging.getLogger("two-minds")

WAITING = 8  # jobs behind the one that runs, each with a picture of at most 36 MB
MANY = 2  # of one client, running or waiting
LONGEST = 20 * 60  # seconds of one job
KEPT = 32  # answers, of a megabyte or less each
AGE = 300  # seconds that one is kept after its last use: a photo may be deleted within less than half an hour
TOLD = 0.03  # share from which on the time left is taken from what is done

Answer = dict[str, Any]
Tell = Callable[[float], None]


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Task:
    """A question that takes long.

    Attributes:
        key: equal of questions that have the same answer.
        work: makes the answer. It has to call what it is given with the share that is done, 0 to 1, at least every
            second; what that raises has to come out again.
        seconds: that it will take, as far as is known.
        passes: whether it runs the models many times.
    """

    key: Hashable
    work: Callable[[Tell], Answer]
    seconds: float | None = None
    passes: bool = True


@dataclass(eq=False)
class _Job:
    task: Task
    waiters: dict[str, "Future[Answer | None]"] = field(default_factory=dict)  # by ticket
    clients: dict[str, str] = field(default_factory=dict)  # by ticket
    began: float = 0.0
    share: float = 0.0
    dropped: bool = False  # nobody wants it, and it is about to notice


class Lane:
    """Does tasks one after the other, each once for all who want it.

    Args:
        give_way: is called between two steps of a task, and returns when the task may go on.
    """

    def __init__(self, give_way: Callable[[], None] = lambda: None) -> None:
        self._give_way = give_way
        self._jobs: list[_Job] = []  # the first one runs, once its `began` is set
        self._kept: OrderedDict[Hashable, tuple[float, Answer]] = OrderedDict()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def join(self, task: Task, ticket: str, client: str) -> "Future[Answer | None]":
        """Want a task's answer; it is None where the ticket was given back.

        Args:
            task: what is wanted; it is done once for all whose key is equal.
            ticket: a name that nobody else knows, by which to ask how far it is and to give it up.
            client: whose it is.

        Raises:
            PageError: "busy_slow" where too many wait, or this client has enough; and for a ticket that is taken.
        """
        with self._changed:
            future: Future[Answer | None] = Future()
            self._forget()
            if task.key in self._kept:
                answer = self._kept[task.key][1]
                self._keep(task.key, answer)
                future.set_result(answer)
                return future
            known = next((job for job in self._jobs if job.task.key == task.key and not job.dropped), None)
            mine = sum(client in job.clients.values() for job in self._jobs if job is not known)
            taken = any(ticket in job.waiters for job in self._jobs)
            if taken or mine >= MANY or (known is None and len(self._jobs) > WAITING):
                raise PageError("busy_slow")
            job = known or _Job(task)
            job.waiters[ticket], job.clients[ticket] = future, client
            if known is None:
                self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lane", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return future

    def leave(self, ticket: object) -> bool:
        """Give a ticket back; what nobody else wants is ended. Whether there was one."""
        with self._changed:
            for job in self._jobs:
                if isinstance(ticket, str) and ticket in job.waiters:
                    job.waiters.pop(ticket).set_result(None)
                    del job.clients[ticket]
                    job.dropped = not job.waiters
                    if job.dropped and not job.began:
                        self._jobs.remove(job)
                    return True
        return False

    def told(self, ticket: object) -> dict[str, Any] | None:
        """How far a ticket's task is: tasks before it, the share that is done, seconds left if known; None without."""
        with self._changed:
            for ahead, job in enumerate(self._jobs):
                if isinstance(ticket, str) and ticket in job.waiters:
                    return {"ahead": ahead, "share": job.share, "seconds": self._left(job)}
        return None

    @property
    def busy(self) -> bool:
        """Whether a task runs or waits."""
        with self._changed:
            return bool(self._jobs)

    def stop(self) -> None:
        """Do nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(5)

    def _left(self, job: _Job) -> float | None:
        passed = time.monotonic() - job.began if job.began else 0.0
        if job.share >= TOLD:
            return passed * (1 - job.share) / job.share
        return None if job.task.seconds is None else max(1.0, job.task.seconds - passed)

    def _keep(self, key: Hashable, answer: Answer) -> None:
        self._kept[key] = time.monotonic(), answer
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _forget(self) -> None:
        oldest = time.monotonic() - AGE
        for key in [key for key, (used, _) in self._kept.items() if used < oldest]:
            del self._kept[key]

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not self._jobs:
                    self._changed.wait(AGE if self._kept else None)
                    self._forget()
                if self._stopped:
                    return self._end()
                job = self._jobs[0]
                job.began = time.monotonic()
            answer: Answer | None = None
            error: Exception | None = None
            try:
                answer = job.task.work(lambda share, job=job: self._step(job, share))
            except Exception as caught:
                error = caught
            with self._changed:
                self._jobs.remove(job)
                for future in job.waiters.values():
                    if error is None or isinstance(error, Cancelled):
                        future.set_result(answer)
                    else:
                        future.set_exception(error)
                if answer is not None and answer.get("kind") != "error":
                    self._keep(job.task.key, answer)
            del job, answer, error

    def _step(self, job: _Job, share: float) -> None:
        with self._changed:
            job.share = max(job.share, min(1.0, share))
        for look in (lambda: None, self._give_way):
            look()
            with self._changed:
                if self._stopped or job.dropped:
                    raise Cancelled
            if time.monotonic() - job.began > LONGEST:
                raise PageError("too_slow", minutes=LONGEST // 60)

    def _end(self) -> None:
        for job in self._jobs:
            for future in job.waiters.values():
                future.set_result(None)
        self._jobs.clear()
