"""Files that are read once, and again when they have changed; None where they are missing or broken."""

import csv
import functools
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

log = logging.getLogger("two-minds")


def version_of(path: Path) -> tuple[int, int] | None:
    """Changes when the file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_text(path: Path) -> str | None:
    """A UTF-8 file."""
    version = version_of(path)
    return None if version is None else _text_of(path, version)


@functools.lru_cache(maxsize=64)
def _text_of(path: Path, version: object) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def read_rows(path: Path) -> list[dict[str, str]] | None:
    """A CSV's rows by its head."""
    text = read_text(path)
    return None if text is None else list(csv.DictReader(text.splitlines()))


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    version = version_of(path)
    return None if version is None else _json_of(path, version)


@functools.lru_cache(maxsize=128)
def _json_of(path: Path, version: object) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def read_arrays(path: Path, names: Iterable[str] = ()) -> dict[str, np.ndarray] | None:
    """Arrays from an .npz: those of these names, all of one length, None where it lacks one of them; or all it has."""
    version = version_of(path)
    return None if version is None else _arrays_of(path, tuple(names), version)


@functools.lru_cache(maxsize=16)
def _arrays_of(path: Path, names: tuple[str, ...], version: object) -> dict[str, np.ndarray] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in names or file.files}
        if names and len({len(array) for array in arrays.values()}) != 1:
            raise ValueError("arrays of different lengths")
        return arrays
    except Exception:  # a damaged archive raises nearly anything
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None
