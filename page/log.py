"""The log: one line an event, whatever a visitor wrote into it, and the same line not over and over."""

import json
import logging
import os
import time
import traceback
from dataclasses import dataclass
from typing import TextIO

WHILE = 60.0  # seconds in which the same line is printed once, and counted
LIKE = 20  # lines that differ only in what they are filled in with, printed in that time
LONGEST = 2000  # characters of a line


class Lines(logging.Formatter):
    """Writes a message as one line: what is not printable, line ends included, as Python writes it in a string."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = printable(record.message)
        return super().formatMessage(record)


class Objects(logging.Formatter):
    """Writes a message as one object of JSON a line: time, level, message; of an exception its kind and places."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": printable(record.getMessage()),
        }
        if record.exc_info and record.exc_info[1] is not None:
            said["error"] = printable(f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}")
            said["places"] = places(record.exc_info[1])
        return json.dumps(said)


def described(error: BaseException) -> str:
    """An exception in one line: its kind and where it was raised, not what it says, as that may hold what was sent."""
    return f"{type(error).__name__} ({' < '.join(places(error))})"


def places(error: BaseException, most: int = 5) -> list[str]:
    """Where an exception was raised, the deepest place first."""
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in reversed(frames)]


class Sparing(logging.StreamHandler[TextIO]):
    """Prints the same line once a minute, and of like ones LIKE; the others it counts, and says how many there were."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._counts: dict[str, _Count] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Print it, or count it."""
        now = time.monotonic()
        self._tell([key for key, count in self._counts.items() if now - count.began > WHILE])
        like = self._counts.setdefault(f"{record.name}: {record.msg}", _Count(now, record))
        if like.printed >= LIKE:
            like.kept_back += 1
            return
        same = self._counts.setdefault(_said(record), _Count(now, record))
        if same.printed:
            same.kept_back += 1
            return
        like.printed += 1
        same.printed += 1
        super().emit(record)

    def close(self) -> None:
        """Say what was counted."""
        self._tell(list(self._counts))
        super().close()

    def _tell(self, keys: list[str]) -> None:
        for count in [self._counts.pop(key) for key in keys]:
            if count.kept_back:
                text = f"{count.kept_back} more like this: {count.first.getMessage()}"
                first = count.first
                super().emit(logging.LogRecord(first.name, first.levelno, first.pathname, first.lineno, text, (), None))


@dataclass
class _Count:
    began: float
    first: logging.LogRecord
    printed: int = 0
    kept_back: int = 0


def _said(record: logging.LogRecord) -> str:
    """What makes two lines the same: their text, and where the exception was raised."""
    trace = record.exc_info[2] if record.exc_info else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{record.name} {record.getMessage()} | {trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)}"


def set_up(level: int = logging.INFO) -> None:
    """Log to standard error, as this module has it: in lines, or as JSON where $TWO_MINDS_LOG is "json"."""
    handler = Sparing()
    structured = os.environ.get("TWO_MINDS_LOG") == "json"
    handler.setFormatter(Objects() if structured else Lines("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # it warns of what visitors send, and its errors are answers that the server's end broke off; ours the door has
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def printable(text: str) -> str:
    """The text without line ends, control characters, and what turns the direction of writing."""
    short = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in short)
