"""Files that somebody else may have put there: read whole, within bounds, and as nothing but data."""

from __future__ import annotations

import json
import math
import os
import stat
from io import BufferedReader
from typing import Any

DEEPEST = 64  # levels of lists and objects in a JSON file, ours have ten


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """A file opened for reading, if it is a plain one: a pipe or device would block or never end.

    Args:
        path: of the file; links are followed.

    Raises:
        OSError: where there is none, or what is there is none.

    Example:
        >>> open_regular("/dev/null")
        Traceback (most recent call last):
        OSError: no plain file
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("no plain file")
    return open(path, "rb")


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """All bytes of a plain file.

    Args:
        path: of the file; links are followed.
        most: bytes that are read at most.

    Raises:
        OSError: as `open_regular` does.
        ValueError: for a larger file.

    Example:
        >>> read_bytes(__file__, 10)
        Traceback (most recent call last):
        ValueError: a file of more than 10 bytes
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"a file of more than {most} bytes")
    return data


def parse_json(data: bytes | str, lenient: bool = False) -> Any:
    """What a JSON document holds.

    Args:
        data: the document, UTF-8.
        lenient: give None for a number that no float can hold, where it is refused otherwise.

    Raises:
        ValueError: for what is no JSON, for infinite and other odd numbers, and for lists and objects nested deeper
            than `DEEPEST`, over which whoever walks through them would stumble.

    Example:
        >>> parse_json(b'{"n": 1e999}', lenient=True)
        {'n': None}
    """

    def number(text: str, kind: type = float) -> Any:
        value = kind(text) if len(text) < 400 else math.inf  # Python itself refuses 4,300 digits
        if abs(value) < 2.0**1000:
            return value
        if lenient:
            return None
        raise ValueError("a number beyond all floats")

    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    try:
        content = json.loads(
            text,
            parse_int=lambda digits: number(digits, int),
            parse_float=number,
            parse_constant=number,
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    level = [content]
    for _ in range(DEEPEST + 1):
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return content
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    raise ValueError("nested too deep")


def writable(content: Any) -> bool:
    """Whether all text in what a JSON document held can be written again: it may name halves of characters.

    Args:
        content: as `parse_json` gives it.

    Example:
        >>> writable({"title": "a"}), writable({"title": chr(0xD83D)})
        (True, False)
    """
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
