"""Pictures of the test split: what a pair of models predicted for them, and thumbnails of those that the host has."""

import functools
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from explain.cards import Card
from explain.pictures import MAX_BYTES, PictureError, read, resize
from explain.view.message import data_url
from explain.view.words import Words, number
from page.asked import NotThere
from study.files import read_arrays, version_of
from study.store import PICTURES

PREDICTIONS = "evaluation/predictions.npz"
PREDICTED = ("identities", "digests", "labels", "probabilities")
THUMBNAIL = 192  # pixels of the longer side: twice what is drawn


class Rows(NamedTuple):
    """Pictures that both models of a pair were tested on.

    `identities` (n strings), `labels` (n), `choices` and `sure` (2 x n: the predicted class and its probability),
    `ranks` (n, NaN where the two were not compared).
    """

    identities: np.ndarray
    labels: np.ndarray
    choices: np.ndarray
    sure: np.ndarray
    ranks: np.ndarray

    @property
    def compared(self) -> int:
        """How many of them have an agreement."""
        return int(np.isfinite(self.ranks).sum())

    def order(self, name: str) -> list[int]:
        """Places of a list's pictures, the most telling first."""
        left, right = self.choices != self.labels
        differ = self.choices[0] != self.choices[1]
        chosen, by = {
            "left_wrong": (left, -self.sure[0]),
            "right_wrong": (right, -self.sure[1]),
            "disagree": (differ, -self.sure.sum(0)),
            "unsure": (np.ones_like(differ), self.sure.sum(0)),
            "sure": (np.ones_like(differ), -self.sure.min(0)),
            "other_evidence": (~differ & np.isfinite(self.ranks), self.ranks),
        }[name]
        places = np.flatnonzero(chosen)
        return places[np.argsort(by[places], kind="stable")].tolist()

    def told(self, place: int, classes: Sequence[str], words: Words) -> dict[str, Any]:
        """A picture in words."""
        sides = {
            side: {
                "name": classes[self.choices[k, place]],
                "share": words.confidence(float(self.sure[k, place])),
                "right": bool(self.choices[k, place] == self.labels[place]),
            }
            for k, side in enumerate(("left", "right"))
        }
        rank = float(self.ranks[place])
        return {
            "identity": str(self.identities[place]),
            "truth": classes[self.labels[place]],
            **sides,
            "agreement": number(rank) if math.isfinite(rank) else "",
        }


def rows_of(left: Path, right: Path, pictures: Path | None) -> Rows:
    """Rows of two checkpoints' predictions; `pictures`: with their agreement (`study.store.PICTURES`), if any."""
    return _joined(left, right, pictures, *(path and version_of(path) for path in (left, right, pictures)))


@functools.lru_cache(maxsize=16)
def _joined(left: Path, right: Path, pictures: Path | None, *versions: object) -> Rows:
    ours, theirs = (read_arrays(path, PREDICTED) for path in (left, right))
    where = {key: place for place, key in enumerate(_keys(theirs))}
    places = np.array([(k, where[key]) for k, key in enumerate(_keys(ours)) if key in where], int).reshape(-1, 2)
    probabilities = ours["probabilities"][places[:, 0]], theirs["probabilities"][places[:, 1]]
    measured = pictures and read_arrays(pictures, PICTURES)
    ranks = dict(zip(_keys(measured), measured["rank_last"], strict=True)) if measured else {}
    keys = _keys(ours)
    return Rows(
        identities=ours["identities"][places[:, 0]],
        labels=ours["labels"][places[:, 0]],
        choices=np.stack([table.argmax(1) for table in probabilities]),
        sure=np.stack([table.max(1) for table in probabilities]).astype(float),
        ranks=np.array([ranks.get(keys[k], np.nan) for k in places[:, 0]], float),
    )


def _keys(arrays: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    return list(zip(arrays["identities"].tolist(), arrays["digests"].tolist(), strict=True))


def fits(arrays: dict[str, np.ndarray], card: Card) -> bool:
    count = len(card.classes)
    labels = arrays["labels"]
    return arrays["probabilities"].shape[1] == count and (not len(labels) or 0 <= labels.min() <= labels.max() < count)


def digests_of(predictions: Path) -> dict[str, str]:
    """Digest by identity."""
    version = version_of(predictions)
    return {} if version is None else _digests_of(predictions, version)


@functools.lru_cache(maxsize=16)
def _digests_of(predictions: Path, version: object) -> dict[str, str]:
    arrays = read_arrays(predictions, PREDICTED)
    return dict(_keys(arrays)) if arrays else {}


def content(path: Path, digest: str) -> bytes:
    """The bytes of a picture's file, if it is the very one."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NotThere("evidence_other_edition")
        data = path.read_bytes()
    except OSError:
        raise NotThere("evidence_no_file") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise NotThere("evidence_other_edition")
    return data


@functools.lru_cache(maxsize=512)
def thumbnail(path: Path, version: object, digest: str) -> str:
    """A data URL of some 5 kB."""
    try:
        pixels = read(content(path, digest)).pixels
    except PictureError:
        raise NotThere("evidence_unreadable") from None
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return data_url(resize(pixels, size), "JPEG", quality=78)
