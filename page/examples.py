"""The example pictures: `examples.json` beside them tells what each shows and whose it is, in the order of the page.

    [{"id": "cow", "title": "Holstein cow", "shows": "cattle", "author": ..., "licence": ..., "source": ...}, ...]

"shows" is a class of one of `training.data`'s data sets, in its spelling there, or null where it is a class of none.
"""

import functools
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("two-minds")

UNKNOWN = "?"  # what a picture shows that nothing is told of


@dataclass(frozen=True)
class Example:
    """One picture (`path`, JPEG) with its id and title, the class that it shows or None, and where it comes from."""

    path: Path
    id: str
    title: str
    shows: str | None = UNKNOWN
    author: str = ""
    licence: str = ""
    source: str = ""


def belongs(shows: str | None, classes: Sequence[str]) -> bool | None:
    """Whether what a picture shows (a class, None or UNKNOWN) is one of a model's classes; None if unknown.

    That it is none is known of classes of `training.data` alone: a panda may well be one of a stranger's.
    """
    if shows in classes:
        return True
    named = shows is None or any(shows in names for names in _named())
    return False if named and any(names.issuperset(classes) for names in _named()) else None


@functools.cache
def _named() -> tuple[frozenset[str], ...]:
    """Classes by data set."""
    from training.data import cats_dogs, cifar100

    return frozenset(cats_dogs.CLASSES), frozenset(cifar100.CLASSES)


def ordered(examples: Mapping[str, Example], chosen: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Ids of all examples for some models: those chosen for them, those that show one of their classes, the others."""
    fitting = [example_id for example_id, example in examples.items() if belongs(example.shows, classes)]
    ids = dict.fromkeys([*chosen, *fitting, *examples])
    return [example_id for example_id in ids if example_id in examples]


def read_examples(folder: Path) -> dict[str, Example]:
    """The JPEGs of a folder by id, with what `examples.json` tells of them, in its order; the others behind them."""
    told = {}
    try:
        told = {entry["id"]: entry for entry in json.loads((folder / "examples.json").read_text(encoding="utf-8"))}
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError):
        log.warning("examples.json cannot be read; what the examples show is not known.")
    examples = {}
    paths = {path.stem: path for path in sorted(folder.glob("*.jpg"))}
    for path in [paths[name] for name in dict.fromkeys([*told, *paths]) if name in paths]:
        known = told.get(path.stem, {})
        facts = {key: known[key] for key in ("title", "author", "licence", "source") if isinstance(known.get(key), str)}
        if "shows" in known and (known["shows"] is None or isinstance(known["shows"], str)):
            facts["shows"] = known["shows"]
        examples[path.stem] = Example(path, path.stem, **{"title": path.stem, **facts})
    return examples
