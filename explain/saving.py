"""What lies beside saved maps: a manifest, written last, so that a folder with one is whole."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
PACKAGES = {  # by name those that it comes in; TensorFlow also in one for processors alone
    "two-minds": ("two-minds",),
    "keras": ("keras",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "numpy": ("numpy",),
}


def versions() -> dict[str, str]:
    """Of Python and of what made the maps, by name; what is not installed is left out."""
    told = {"python": platform.python_version()}
    for name, packages in PACKAGES.items():
        for package in packages:
            with suppress(PackageNotFoundError):
                told.setdefault(name, version(package))
    return told


def digest(data: bytes | Path) -> str:
    """Hex sha256 of bytes, or of a file."""
    if isinstance(data, Path):
        with open(data, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(data).hexdigest()


def begun(folder: str | Path) -> Path:
    """A folder to save into: made if need be, without the manifest of what was there before."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    return folder


def write_manifest(folder: Path, content: Mapping[str, Any], files: Iterable[Path]) -> Path:
    """Write the manifest of a folder, at once: whoever sees it sees all of it.

    Args:
        folder: where it goes.
        content: what is to be said, able to be JSON.
        files: written before; their names, bytes and digests are listed.

    Returns:
        Its path.
    """
    path = folder / MANIFEST
    listed = [{"name": file.name, "bytes": file.stat().st_size, "sha256": digest(file)} for file in files]
    made = datetime.now(UTC).isoformat(timespec="seconds")
    write_whole(path, json.dumps({**content, "versions": versions(), "made": made, "files": listed}, indent=2) + "\n")
    return path


def write_whole(path: Path, text: str | Iterable[str]) -> None:
    """Write a file, of a text or its parts, so that it is there whole or not at all, whenever the program is killed."""
    draft = path.with_name(f".{path.name}.draft")
    with open(draft, "w", encoding="utf-8", newline="") as file:
        file.writelines([text] if isinstance(text, str) else text)
    os.replace(draft, path)
