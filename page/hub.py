"""Fetches models that the folder of checkpoints lacks: those that `hub.json` in it pins (`training publish --models`).

By repository and revision; a file counts only if its sha256 is the one that the card beside it says.
"""

import hashlib
import logging
import os
import re
import tempfile
from pathlib import Path

from explain.cards import Card
from explain.errors import CheckpointError
from explain.files import parse_json, read_bytes

log = logging.getLogger("two-minds")

PINS = "hub.json"
LARGEST = 2**20  # bytes of it
REPOSITORY = r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}"
REVISION = r"[0-9a-f]{40}"


def fetch(weights: Path) -> list[str]:
    """Fetch what is lacking and pinned; ids of what is there now. What cannot be had is one line in the log."""
    try:
        pins = parse_json(read_bytes(weights / PINS, LARGEST))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        log.warning("%s cannot be read; no model is fetched.", PINS)
        return []
    fetched = []
    for model_id, pin in pins.items() if isinstance(pins, dict) else ():
        folder = weights / model_id
        plain = Path(model_id).name == model_id and (folder / "card.json").is_file()
        if not plain or (folder / "model.keras").exists():
            continue
        try:
            _fetch(folder, Card.read(folder).digests.model, pin)
        except (OSError, ValueError, KeyError, TypeError, CheckpointError) as error:  # huggingface_hub's are OSErrors
            log.warning("%s cannot be fetched: %s", model_id, type(error).__name__)
        else:
            log.info("Fetched %s.", model_id)
            fetched.append(model_id)
    return fetched


def _fetch(folder: Path, digest: str | None, pin: dict[str, str]) -> None:
    """Fetch one model; ValueError unless it is the one of this digest."""
    if not digest or not re.fullmatch(REPOSITORY, pin["repository"]) or not re.fullmatch(REVISION, pin["revision"]):
        raise ValueError("a pin needs a repository, a revision of 40 hexadecimal digits and a digest in the card")
    from huggingface_hub import hf_hub_download  # not at the top: it is seldom needed

    with tempfile.TemporaryDirectory(dir=folder) as draft:
        path = hf_hub_download(pin["repository"], "model.keras", revision=pin["revision"], local_dir=draft)
        with open(path, "rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
        if got != digest:
            raise ValueError("another file than the card is of")
        os.replace(path, folder / "model.keras")
