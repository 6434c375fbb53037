"""Makes models ready before anybody asks for them, without getting in the way of who does ask."""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

log = logging.getLogger("two-minds")


class Background:
    """Makes models ready one after another, and only while no question is being answered.

    Args:
        steps: of a model's id, what makes it ready: functions to be called in order, none for one that is ready.
            Between two of them a question goes first, so each should take a few seconds at most.
        fits: whether a model finds room in memory without another leaving it.
    """

    def __init__(self, steps: Callable[[str], Iterable[Callable[[], object]]], fits: Callable[[str], bool]) -> None:
        self._steps, self._fits = steps, fits
        self._wanted: deque[str] = deque()
        self._questions = 0
        self._stopped = False
        self._changed = threading.Condition()

    def want(self, model_ids: Iterable[str]) -> None:
        """Make these ready next, in this order; what was wanted before comes behind them."""
        ids = list(dict.fromkeys(model_ids))
        with self._changed:
            self._wanted = deque([*ids, *(model_id for model_id in self._wanted if model_id not in ids)])
            self._changed.notify_all()

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """While a question is being answered: nothing is begun."""
        with self._changed:
            self._questions += 1
        try:
            yield
        finally:
            with self._changed:
                self._questions -= 1
                self._changed.notify_all()

    def give_way(self, seconds: float) -> None:
        """Return when no question is being answered, but not later than that."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._questions, seconds)

    def idle(self) -> bool:
        """Wait until no question is being answered; False once nothing more is to be begun."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._questions)
            return not self._stopped

    def stop(self) -> None:
        """Begin nothing more: `run` returns, after the step that it is at."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._stopped

    def run(self) -> None:
        """Do what is wanted until `stop`; for a thread of its own. A model that fails is passed over."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or (self._wanted and not self._questions))
                if self._stopped:
                    return
                model_id = self._wanted.popleft()
            try:
                if not self._fits(model_id):
                    continue
                for step in self._steps(model_id):
                    with self._changed:
                        self._changed.wait_for(lambda: self._stopped or not self._questions)
                        if self._stopped:
                            return
                    step()
            except Exception as error:
                log.warning("%s is not made ready: %s", model_id, error)
