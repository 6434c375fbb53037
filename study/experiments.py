"""Which checkpoints stand side by side.

`weights/experiments.json` is a list, in the order of the page's chooser:

    [{"id": "sgd-adam", "left": ID, "right": ID, "title": "...", "question": "..."}, ...]

Title and question may be left out where the page has words for the id and these two models
(`page.experiments.SHIPPED`).
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

log = logging.getLogger("two-minds")


@dataclass(frozen=True)
class Experiment:
    """Two checkpoints and what their comparison asks."""

    id: str
    left: str
    right: str
    title: str = ""
    question: str = ""


KINDS = {field.name: field.type for field in fields(Experiment)}


def read_experiments(path: Path, ids: Iterable[str]) -> list[Experiment]:
    """The experiments whose checkpoints are there. A broken entry, or file, is reported in the log and passed over."""
    ids, experiments = set(ids), []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        log.warning("experiments.json cannot be read; models can still be chosen freely.")
        return []
    for entry in entries if isinstance(entries, list) else []:
        try:
            facts = dict(entry)
            facts.pop("seeds", None)  # of earlier files; today the cards say it
            experiment = Experiment(**facts)
            if not all(isinstance(value, KINDS[name]) for name, value in vars(experiment).items()):
                raise TypeError("a field of another kind")
        except (TypeError, ValueError):
            log.warning("An entry of experiments.json is not understood and is passed over.")
            continue
        if {experiment.left, experiment.right} <= ids:
            experiments.append(experiment)
    return experiments
