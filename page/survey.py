"""Where models of one's own differ on a folder of labelled pictures, looked at in the background while the page is up.

The folder holds one folder a class, and each of these its pictures, at any depth. What was looked at is kept by a file
of lines in the user's cache (`kept_in`), so that the same models go on where they were, also after `kill -9`: a line is

    [picture, bytes, mtime in ns, [[class, probability, that of the label or null], ... a model], difference or null]

or [picture, bytes, mtime in ns] of one that cannot be read. A picture is looked at anew when its file has changed.
"""

import copy
import functools
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from explain.checkpoints import Checkpoint
from explain.ensembles import Ensemble
from explain.files import parse_json
from explain.measures import divergence
from explain.pictures import SUFFIXES, Picture, PictureError, fit, read, resize
from explain.tables import to_csv
from explain.view.message import data_url
from explain.view.words import Words, number
from page.asked import Asked, NotThere
from page.errors import PageError
from page.texts import PageTexts

log = logging.getLogger("two-minds")

PAGE = 12  # pictures of a list shown at once
BATCH = 8  # pictures between two looks whether somebody asks
THUMBNAIL = 192  # pixels of the longer side: twice what is drawn
LISTS = ("all", "disagree")
COLUMNS = ("picture", "label", "model", "says", "share", "right", "label_share", "disagree", "difference")


class Side(NamedTuple):
    """What a model says to a picture: a class's place, its probability, and that of the label where it knows it."""

    choice: int
    share: float
    truth: float | None


class Looked(NamedTuple):
    """A picture that all have looked at; `difference`: 0 to 1, None where there is nothing to compare."""

    picture: str
    sides: tuple[Side, ...]
    difference: float | None


class Found(NamedTuple):
    """A picture of the folder: its path in it, its label, and what tells whether its file has changed."""

    picture: str
    label: str
    size: int
    changed: int


def kept_in() -> Path:
    """Where lines are kept: in $XDG_CACHE_HOME/two-minds, by default ~/.cache/two-minds."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "two-minds"


class Survey(Asked):
    """What models say to every picture of a folder, those first on which they disagree or differ most.

    Two models of the same classes disagree where they say different ones, and differ by the Jensen-Shannon divergence
    of their probabilities. Of different classes only the label can be held against both, where they know it by name:
    they disagree where not all say it, though some do, and differ by the probabilities that they give it.

    Args:
        models: 2 to 6.
        folder: labelled pictures, one folder a class.
        texts: of the page's language.
        cache: folder for what was looked at; None: `kept_in`.

    Raises:
        PageError: "survey_no_folder" or "survey_no_pictures".
    """

    names = ("listed", "table", "thumbnails")

    def __init__(
        self,
        models: Sequence[Checkpoint | Ensemble],
        folder: Path,
        texts: PageTexts | None = None,
        cache: Path | None = None,
    ) -> None:
        self.texts = texts or PageTexts()
        self.words, self.models, self.folder = Words(self.texts), models, Path(folder).resolve()
        if not self.folder.is_dir():
            raise PageError("survey_no_folder", name=Path(folder).name)
        self.found = {found.picture: found for found in sorted(_pictures(self.folder))}
        if not self.found:
            raise PageError("survey_no_pictures", name=Path(folder).name)
        self.same = len({model.classes for model in models}) == 1
        self._places = [_places(model.classes) for model in models]
        self._path = (kept_in() if cache is None else cache) / f"{self._key()}.jsonl"
        self._looked: dict[str, Looked] = {}
        self._order: list[Looked] = []
        self._unreadable: set[str] = set()
        self._guard = threading.Lock()
        self._began, self._done = 0.0, 0  # when this process began, and how many it has looked at
        self._read()

    def spoken(self, texts: PageTexts) -> "Survey":
        """What is known by now, in a language."""
        other = copy.copy(self)
        other.texts, other.words = texts, Words(texts)
        return other

    # --- in the background ------------------------------------------------------------------------------------------

    def run(self, idle: Callable[[], bool]) -> None:
        """Look at what has not been looked at.

        Args:
            idle: returns once nobody asks for anything; False when this is to end.
        """
        todo = [name for name in self.found if name not in self._looked and name not in self._unreadable]
        self._began = time.monotonic()
        with _Lines(self._path) as lines:
            for start in range(0, len(todo), BATCH):
                if not idle():
                    return
                self._look(todo[start : start + BATCH], lines)
        if todo:
            log.info("All %s pictures of %s have been looked at.", f"{len(self.found):,}", self.folder.name)

    def _look(self, names: Sequence[str], lines: "_Lines") -> None:
        pictures, unreadable = {}, []
        for name in names:
            try:
                pictures[name] = read(self.folder / name).pixels
            except (PictureError, OSError):
                unreadable.append(name)
        looked = self._compared(pictures) if pictures else []
        with self._guard:
            self._unreadable.update(unreadable)
            self._looked.update({each.picture: each for each in looked})
            self._done += len(names)
        told = [[each.picture, *self._version(each.picture), each.sides, each.difference] for each in looked]
        lines.add([*told, *([name, *self._version(name)] for name in unreadable)])

    def _compared(self, pictures: Mapping[str, np.ndarray]) -> list[Looked]:
        @functools.cache
        def fitted(size: tuple[int, int]) -> list[np.ndarray]:
            return [fit(pixels, size) for pixels in pictures.values()]

        tables = [model.predict(fitted) for model in self.models]
        looked = []
        for place, name in enumerate(pictures):
            rows = [table[place].astype(float) for table in tables]
            sides = tuple(self._side(k, row, self.found[name].label) for k, row in enumerate(rows))
            looked.append(Looked(name, sides, self._difference(rows, sides)))
        return looked

    def _side(self, model: int, row: np.ndarray, label: str) -> Side:
        choice, known = int(row.argmax()), self._places[model].get(label.casefold())
        return Side(choice, round(float(row[choice]), 6), None if known is None else round(float(row[known]), 6))

    def _difference(self, rows: Sequence[np.ndarray], sides: Sequence[Side]) -> float | None:
        if self.same:
            return round(divergence(*rows), 6)
        shares = [side.truth for side in sides if side.truth is not None]
        return round(max(shares) - min(shares), 6) if len(shares) > 1 else None

    # --- what was looked at -----------------------------------------------------------------------------------------

    def _key(self) -> str:
        """Changes with the models, what goes before them, their classes and the folder."""
        models = [
            [model.card.digests.model, getattr(model, "preprocess", "none"), getattr(model, "head", "auto")]
            + [list(model.input_size), list(model.classes)]
            for model in self.models
        ]
        return hashlib.sha256(json.dumps([models, os.fsdecode(self.folder)]).encode(errors="replace")).hexdigest()[:24]

    def _version(self, name: str) -> tuple[int, int]:
        return self.found[name].size, self.found[name].changed

    def _read(self) -> None:
        """What an earlier run has looked at; a broken line, as a killed one leaves, is passed over."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                name, *version = (told := parse_json(line))[:3]
                if name not in self.found or tuple(version) != self._version(name):
                    continue
                if len(told) == 3:
                    self._unreadable.add(name)
                    continue
                _, _, _, sides, difference = told
                if len(sides) == len(self.models):
                    self._looked[name] = Looked(name, tuple(Side(*side) for side in sides), difference)
            except (ValueError, TypeError):
                continue

    def disagree(self, looked: Looked) -> bool:
        """Whether the models do not say the same, see there."""
        if self.same:
            return len({side.choice for side in looked.sides}) > 1
        return len({right for right in self._right(looked) if right is not None}) > 1

    def _right(self, looked: Looked) -> list[bool | None]:
        """Of each model whether it says the label; None where it does not know it."""
        label = self.found[looked.picture].label.casefold()
        known = [places.get(label) for places in self._places]
        return [
            None if place is None else side.choice == place for place, side in zip(known, looked.sides, strict=True)
        ]

    def order(self) -> list[Looked]:
        """All that was looked at: where they disagree first, then by how far they differ."""
        with self._guard:
            looked = list(self._looked.values())
            if len(looked) > len(self._order):  # nothing is ever looked at twice
                order = [(not self.disagree(each), -(each.difference or 0.0), each.picture, each) for each in looked]
                self._order = [each for *_, each in sorted(order, key=lambda each: each[:3])]
            return self._order

    def catalog(self) -> dict[str, Any]:
        """What the view needs before it asks anything."""
        return {
            "labels": {**self.texts["list_labels"], **self.texts["survey_labels"]},
            "models": [model.model_id for model in self.models],
            "names": list(self.words.names(*(model.card.title for model in self.models))),
            "about": self.texts.say("survey_same" if self.same else "survey_apart"),
            "page": PAGE,
        }

    # --- for the browser --------------------------------------------------------------------------------------------

    def listed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A part of a list, and how far the survey is. `asked`: {"list": "all" or "disagree", "from": place}.

        Returns:
            progress: {done, count, unreadable, finished, text}; counts: {list: pictures}; rows: at most `PAGE` of
            [{identity, truth, sides: [{name, share, right: bool or null}], agreement: the difference, as text}];
            from, count: the first's place, and how many there are in the list.
        """
        name, first = asked.get("list", LISTS[0]), asked.get("from", 0)
        order = self.order()
        lists = {"all": order, "disagree": [looked for looked in order if self.disagree(looked)]}
        if name not in LISTS or type(first) is not int or not 0 <= first < max(len(lists[name]), 1):
            raise NotThere("evidence_unknown")
        return {
            "progress": self._progress(len(order)),
            "counts": {key: len(some) for key, some in lists.items()},
            "rows": [self._told(looked) for looked in lists[name][first : first + PAGE]],
            "from": first,
            "count": len(lists[name]),
        }

    def _progress(self, looked: int) -> dict[str, Any]:
        with self._guard:
            unreadable, here = len(self._unreadable), self._done
        done, count = looked + unreadable, len(self.found)
        facts = {"done": f"{done:,}", "count": f"{count:,}", "unreadable": f"{unreadable:,}"}
        if done >= count:
            text = self.texts.say("survey_done_but" if unreadable else "survey_done", **facts)
        elif not here:
            text = self.texts.say("survey_running", **facts)
        else:
            minutes = (time.monotonic() - self._began) / here * (count - done) / 60
            text = self.texts.say("survey_left", minutes=f"{max(1, round(minutes)):,}", **facts)
        return {"done": done, "count": count, "unreadable": unreadable, "finished": done >= count, "text": text}

    def _told(self, looked: Looked) -> dict[str, Any]:
        sides = zip(self.models, looked.sides, self._right(looked), strict=True)
        return {
            "identity": looked.picture,
            "truth": self.found[looked.picture].label,
            "sides": [
                {"name": model.classes[side.choice], "share": self.words.confidence(side.share), "right": right}
                for model, side, right in sides
            ],
            "agreement": "" if looked.difference is None else number(looked.difference),
        }

    def table(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """All that was looked at, in its order, a row for each picture and model of `COLUMNS`: {name, csv}."""
        rows = (row for looked in self.order() for row in self._rows(looked))
        return {
            "name": f"{'--'.join(model.model_id for model in self.models)}.csv",
            "csv": "".join(to_csv(rows, COLUMNS)),
        }

    def _rows(self, looked: Looked) -> Iterator[dict[str, str]]:
        def decimal(value: float | None) -> str:
            return "" if value is None else f"{value:.6f}"

        disagree = str(int(self.disagree(looked)))
        for model, side, right in zip(self.models, looked.sides, self._right(looked), strict=True):
            cells = (looked.picture, self.found[looked.picture].label, model.model_id, model.classes[side.choice])
            known = "" if right is None else str(int(right))
            figures = (decimal(side.share), known, decimal(side.truth), disagree, decimal(looked.difference))
            yield dict(zip(COLUMNS, (*cells, *figures), strict=True))

    def thumbnails(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Small pictures. `asked`: {"identities": [...]}, at most `PAGE`.

        Returns:
            thumbnails: {identity: {src: data URL} or {sentence: why there is none}}.
        """
        names = asked.get("identities")
        if not isinstance(names, list) or len(names) > PAGE:
            raise NotThere("evidence_unknown")
        thumbnails = {}
        for name in names:
            if not isinstance(name, str) or name not in self.found:
                raise NotThere("evidence_unknown")
            try:
                thumbnails[name] = {"src": _thumbnail(self.folder / name, self._version(name))}
            except (PictureError, OSError):
                thumbnails[name] = {"sentence": self.texts.say("evidence_unreadable")}
        return {"thumbnails": thumbnails}

    # --- for Compare ------------------------------------------------------------------------------------------------

    def picture(self, name: object) -> Picture:
        """A picture of the folder.

        Raises:
            NotThere: for what is none.
            PictureError: as `explain.pictures.read` does.
        """
        if not isinstance(name, str) or name not in self.found:
            raise NotThere("evidence_unknown")
        return read(self.folder / name)

    def truth(self, name: object) -> str | None:
        """The class that a picture's label is, as the first model that knows it spells it; None where none does."""
        label = self.found[name].label.casefold() if isinstance(name, str) and name in self.found else ""
        for model, places in zip(self.models, self._places, strict=True):
            if label in places:
                return model.classes[places[label]]
        return None


class _Lines:
    """A file that lines are added to, each whole before the next; where it cannot be written, nothing is kept."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, None

    def __enter__(self) -> "_Lines":
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+", encoding="utf-8")
            self._file.write("\n")  # a killed run may have left half a line
        except OSError as error:
            self._fails(error)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, rows: Sequence[object]) -> None:
        if self._file is None:
            return
        try:
            self._file.writelines(json.dumps(row) + "\n" for row in rows)
            self._file.flush()
        except OSError as error:
            self._fails(error)

    _file: IO[str] | None

    def _fails(self, error: OSError) -> None:
        log.warning("What was looked at cannot be kept for the next start (%s).", error.strerror)
        self._file = None


def _pictures(folder: Path) -> Iterator[Found]:
    """All pictures in the folder's folders; hidden ones, and names that are no text, are passed over."""
    for label in os.listdir(folder):
        if label.startswith(".") or not (folder / label).is_dir():
            continue
        for inside, folders, files in os.walk(folder / label):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for file in files:
                path = Path(inside, file)
                name = path.relative_to(folder).as_posix()
                if file.startswith(".") or path.suffix.lower() not in SUFFIXES or not name.isprintable():
                    continue
                if path.is_file():
                    status = path.stat()
                    yield Found(name, label, status.st_size, status.st_mtime_ns)


def _places(classes: Sequence[str]) -> dict[str, int]:
    """Places of classes by their names, small and capital letters alike; the first of two that are then one."""
    return {name.casefold(): place for place, name in reversed(list(enumerate(classes)))}


@functools.lru_cache(maxsize=512)
def _thumbnail(path: Path, version: object) -> str:
    """A data URL of some 5 kB."""
    pixels = read(path).pixels
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    return data_url(resize(pixels, (max(1, round(height * scale)), max(1, round(width * scale)))), "JPEG", quality=78)
