"""Answers that are asked for again: each is made once for all who want it, and kept for a while."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

MOST = 64  # answers, of a megabyte or less each
AGE = 300  # seconds after its last use: a photo may be deleted within less than half an hour

Answer = dict[str, Any]


class Kept:
    """Answers by what was asked. Safe under threads."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, tuple[float, Future[Answer]]] = OrderedDict()  # the last used at the end
        self._guard = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer of a key, made where there is none.

        Args:
            key: equal of questions that have the same answer.
            make: makes it; who asks meanwhile waits for this one. What it raises all of them get, and nothing is kept.
        """
        self.forget()
        with self._guard:
            _, answer = self._answers.get(key, (0.0, None))
            mine = None if answer else Future[Answer]()
            answer = answer or mine
            assert answer
            self._answers[key] = time.monotonic(), answer
            self._answers.move_to_end(key)
            if len(self._answers) > MOST:
                self._answers.popitem(last=False)
        if mine:
            try:
                mine.set_result(make())
            except BaseException as error:
                with self._guard:
                    self._answers.pop(key, None)
                mine.set_exception(error)
        return answer.result()

    def forget(self) -> None:
        """Drop what was not used for AGE seconds."""
        oldest = time.monotonic() - AGE
        with self._guard:
            for key in [key for key, (used, _) in self._answers.items() if used < oldest]:
                del self._answers[key]
