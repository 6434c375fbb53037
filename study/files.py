"""Files that are read once, and again when they have changed; None where they are missing or broken."""

import csv
import functools
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from explain.files import open_regular, parse_json, read_bytes, writable

log = logging.getLogger("two-minds")

TEXT = 4 * 2**20  # bytes of a text or JSON file; ours have 120 kB
ARRAYS = 128 * 2**20  # bytes of all arrays of a file; ours have 10 MB


def version_of(path: Path) -> tuple[int, int] | None:
    """Changes when the file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_text(path: Path) -> str | None:
    """A UTF-8 file of at most `TEXT` bytes."""
    version = version_of(path)
    return None if version is None else _text_of(path, version)


@functools.lru_cache(maxsize=64)
def _text_of(path: Path, version: object) -> str | None:
    try:
        return read_bytes(path, TEXT).decode()
    except (OSError, ValueError):
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def read_rows(path: Path) -> list[dict[str, str]] | None:
    """A CSV's rows by its head."""
    text = read_text(path)
    return None if text is None else list(csv.DictReader(text.splitlines()))


def read_json(path: Path) -> Any:
    """What a JSON file of at most `TEXT` bytes holds, of tame depth, with tame numbers and whole letters."""
    version = version_of(path)
    return None if version is None else _json_of(path, version)


@functools.lru_cache(maxsize=128)
def _json_of(path: Path, version: object) -> Any:
    try:
        content = parse_json(read_bytes(path, TEXT), lenient=True)
        if not writable(content):
            raise ValueError("half a character")
        return content
    except (OSError, ValueError):
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def read_arrays(path: Path, names: Iterable[str] = ()) -> dict[str, np.ndarray] | None:
    """Arrays from an .npz of at most `ARRAYS` bytes unpacked: those of these names, all of one length, None where it
    lacks one of them; or all it has."""
    version = version_of(path)
    return None if version is None else _arrays_of(path, tuple(names), version)


@functools.lru_cache(maxsize=16)
def _arrays_of(path: Path, names: tuple[str, ...], version: object) -> dict[str, np.ndarray] | None:
    try:
        with open_regular(path) as packed:
            with zipfile.ZipFile(packed) as archive:
                if sum(part.file_size for part in archive.infolist()) > ARRAYS:
                    raise ValueError("arrays too large")
            packed.seek(0)
            with np.load(packed, allow_pickle=False) as file:
                arrays = {name: file[name] for name in names or file.files}
        if names and len({len(array) for array in arrays.values()}) != 1:
            raise ValueError("arrays of different lengths")
        return arrays
    except Exception:  # a damaged archive raises nearly anything
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None
