"""What the Evidence tab's tests are made of: small evidence about the page's judges, drawn pictures, true digests."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from judges import encoded, picture

LEFT, RIGHT, TWIN = "judge-mild", "judge-steep", "judge-mild-seed2"
EXPERIMENTS = [
    {"id": "pair", "title": "Mild or steep?", "question": "Which one?", "left": LEFT, "right": RIGHT},
    {"id": "luck", "title": "Luck?", "question": "How far?", "left": LEFT, "right": TWIN},
    {"id": "bare", "title": "Nothing yet?", "question": "What?", "left": RIGHT, "right": "judge-biased"},
]
IDENTITIES = [f"{species}/{number}" for species in ("cat", "dog") for number in range(1, 8)]
LABELS = [0] * 7 + [1] * 7
DOG = {  # probability of the second class
    LEFT: [0.1, 0.2, 0.9, 0.4, 0.05, 0.3, 0.45, 0.95, 0.9, 0.8, 0.2, 0.6, 0.99, 0.85],
    RIGHT: [0.02, 0.6, 0.8, 0.1, 0.2, 0.25, 0.3, 0.9, 0.97, 0.99, 0.7, 0.55, 0.98, 0.75],
}
RANKS = {"cat/1": 0.5, "cat/3": -0.2, "dog/4": -0.9, "dog/6": 0.1, "cat/7": np.nan}
OTHER, MISSING = "dog/5", "cat/7"  # the one is another edition's file, the other is not there

FIGURE = {"mean": 0.0345, "low": 0.02, "high": 0.049, "n": 40}
CLAIM = {"unit": "file", "left": LEFT, "right": RIGHT, "measure": "dead", "margin": 0.01, "same": False, "known": True}
CLAIM |= {"figure": FIGURE, "counts": {"left": 2, "right": 1}, "trainings": {}}
BOTH = {"left": {LEFT: 0.31, TWIN: 0.35}, "right": {RIGHT: 0.4}}
CLAIMS = [
    CLAIM | {"id": "low-dead", "verdict": "holds", "place": "all"},
    CLAIM | {"id": "high-alive", "verdict": "fails", "same": True, "known": False},
    CLAIM | {"id": "adam-distinct", "verdict": "too_few", "unit": "recipe", "figure": None, "trainings": BOTH},
    CLAIM | {"id": "sgd-hard", "verdict": "nothing_to_tell", "measure": "astray", "figure": None},
    CLAIM | {"id": "high-face", "verdict": "open", "figure": None, "measure": "head_lift"},
    CLAIM | {"id": "low-smooth", "verdict": "open", "left": "not", "right": "here", "figure": None}
    | {"counts": {"left": 0, "right": 0}},
]  # fmt: skip


class Studied(NamedTuple):
    """Folders of checkpoints, of evidence about them, and of the pictures they were tested on."""

    weights: Path
    evidence: Path
    data: Path


def save(path: Path, **arrays: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{name: np.asarray(array) for name, array in arrays.items()})


def drawn(identity: str) -> bytes:
    """A picture's file: red for cats, blue for dogs, none like another."""
    species, _, number = identity.partition("/")
    strength = 255 - 7 * int(number)
    return encoded(picture(red=strength if species == "cat" else 0, blue=strength if species == "dog" else 0), "JPEG")


def digests() -> list[str]:
    return [hashlib.sha256(drawn(identity)).hexdigest() for identity in IDENTITIES]


def predicted(weights: Path, model_id: str, dog: list[float]) -> None:
    """A checkpoint's predictions.npz."""
    probabilities = np.stack([1 - np.array(dog), np.array(dog)], axis=1).astype(np.float32)
    arrays = {"identities": IDENTITIES, "digests": digests(), "labels": LABELS, "probabilities": probabilities}
    save(weights / model_id / "evaluation" / "predictions.npz", **arrays)
