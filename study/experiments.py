"""Which checkpoints stand side by side.

`weights/experiments.json` is a list, in the order of the page's chooser:

    [{"id": "sgd-adam", "models": [ID, ID], "title": "...", "question": "...", "examples": [EXAMPLE, ...]}, ...]

Two to six models; "left" and "right" may stand for two of them. Title and question may be left out where the page has
words for the id and these models (`page.experiments.SHIPPED`). The examples are those worth a look, best first; where
they are left out, the page begins with those that show a class of the models (`page.examples.ordered`).
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explain.align import FEWEST, MOST
from explain.files import parse_json, read_bytes, writable

LARGEST = 2**20  # bytes of experiments.json

log = logging.getLogger("two-minds")


@dataclass(frozen=True)
class Experiment:
    """Two to six checkpoints, what their comparison asks, and ids of examples that are worth a look."""

    id: str
    models: tuple[str, ...]
    title: str = ""
    question: str = ""
    examples: tuple[str, ...] = ()

    @property
    def left(self) -> str:
        """The first, which the others are held against."""
        return self.models[0]

    @property
    def right(self) -> str:
        """The second."""
        return self.models[1]


def read_experiments(path: Path, ids: Iterable[str]) -> list[Experiment]:
    """The experiments whose checkpoints are there. A broken entry, or file, is reported in the log and passed over."""
    ids, experiments = set(ids), []
    try:
        entries = parse_json(read_bytes(path, LARGEST), lenient=True)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        log.warning("experiments.json cannot be read; models can still be chosen freely.")
        return []
    for entry in entries if isinstance(entries, list) else []:
        try:
            if not writable(entry):
                raise ValueError("half a character")
            experiment = _experiment(dict(entry))
        except (TypeError, ValueError):
            log.warning("An entry of experiments.json is not understood and is passed over.")
            continue
        if ids.issuperset(experiment.models):
            experiments.append(experiment)
    return experiments


def _experiment(entry: dict[str, Any]) -> Experiment:
    """An entry's experiment; TypeError or ValueError where it is none."""
    entry.pop("seeds", None)  # of earlier files; today the cards say it
    sides = [entry.pop(side) for side in ("left", "right") if side in entry]
    lists = {"models": entry.pop("models", sides), "examples": entry.pop("examples", [])}
    if not all(isinstance(value, list) for value in lists.values()):
        raise TypeError("a list is needed")
    experiment = Experiment(**{name: tuple(value) for name, value in lists.items()}, **entry)
    texts = [experiment.id, experiment.title, experiment.question, *experiment.models, *experiment.examples]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a field of another kind")
    if not FEWEST <= len(experiment.models) <= MOST:
        raise ValueError("fewer or more models than one comparison takes")
    return experiment
