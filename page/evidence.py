"""The Evidence tab: what the runs gave, from `weights/` and `evidence/` as `training` wrote them, and a browser of the
test split.

Everything is chosen by id from a closed list: pairs are the experiments', plots are `PLOTS`, claims are those of
`evidence/claims.json`, pictures are those of the checkpoints' `evaluation/predictions.npz`. Nothing is read before it
is asked for; what was read is kept until its file changes.

Files, all of them optional:

    weights/originals.json              {checkpoint id: {what, train, validation, test:
                                         {accuracy, log_loss, best_of: epochs, where it is the best of so many}}}
    weights/ID/evaluation/predictions.npz   identities, digests (sha256 of the file), labels, probabilities (n, classes)
    evidence/LEFT--RIGHT/comparison.json    `study compare`; beside it PLOT.svg with PLOT.csv
    evidence/LEFT--RIGHT/pictures.npz   identities, digests, rank_last: agreement of the last layer's Grad-CAMs
    evidence/claims.json                a list of judged claims; claims/ID.svg with ID.csv
"""

import asyncio
import functools
import hashlib
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from anyio.to_thread import run_sync

from explain.pictures import MAX_BYTES, Picture, PictureError, read, resize
from page import texts, words
from page.experiments import Experiment, outdated, seeds_of
from page.payload import data_url
from page.texts import say

log = logging.getLogger("two-minds")

PLOTS = tuple(texts.evidence_plots())
LISTS = tuple(texts.evidence_lists())
SPLITS = ("train", "validation", "test")
PREDICTIONS = "evaluation/predictions.npz"
PREDICTED = ("identities", "digests", "labels", "probabilities")
AT_ONCE = 2  # answers; Gradio has few threads for all its visitors
PAGE = 12  # pictures of a list shown at once
ORDERS = ("unsure", "sure")  # lists in which every picture has a place
THUMBNAIL = 192  # pixels of the longer side: twice what is drawn
VERDICTS = {"holds": "holds", "does not hold": "fails"}  # all else: open

# Where a picture's file lies in the two published layouts of Cats vs Dogs
_IDENTITY = re.compile(r"(cat|dog)/(\d{1,7})")
_LAYOUTS = {"PetImages": "PetImages/{Species}/{number}.jpg", "train": "train/{species}.{number}.jpg"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


class NotThere(ValueError):
    """What was asked for does not exist or is not shown. `str(error)` is one sentence, `code` is stable."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(say(code, **facts))
        self.code = code


class Findings:
    """What there is to show of the runs, read when it is asked for.

    Args:
        weights, evidence: folders of checkpoints and of what was measured.
        cards: of the checkpoints that can be used, by id.
        experiments: the pairs.
        data: folder of a data set's pictures, if the host has one.
    """

    def __init__(
        self,
        weights: Path,
        evidence: Path,
        cards: Mapping[str, dict[str, Any]],
        experiments: Sequence[Experiment],
        data: Path | None = None,
    ) -> None:
        self.weights, self.evidence, self.cards, self.data = weights, evidence, cards, data
        self.experiments = {one.id: one for one in experiments}
        if data is not None and not data.is_dir():
            log.warning("There is no data folder %s; the Evidence tab shows no pictures.", data)
            self.data = None

    # --- for the browser ----------------------------------------------------------------------------------------------

    def served(self) -> list[Callable[[object], Awaitable[dict[str, Any]]]]:
        """What the browser may call, each with one argument of any kind. An error is {"kind", "code", "sentence"}."""
        free = asyncio.Semaphore(AT_ONCE)

        def serve(name: str) -> Callable[[object], Awaitable[dict[str, Any]]]:
            async def answer(asked: object = None) -> dict[str, Any]:
                async with free:
                    return await run_sync(self.answer, name, asked)

            answer.__name__ = name
            return answer

        return [serve(name) for name in ("overview", "judged", "pair", "table", "listed", "thumbnails")]

    def answer(self, name: str, asked: object) -> dict[str, Any]:
        """What one of the methods below answers, or one sentence; `asked` comes from outside and may be anything."""
        try:
            return getattr(self, name)(asked if isinstance(asked, Mapping) else {})
        except NotThere as error:
            return {"kind": "error", "code": error.code, "sentence": str(error)}
        except Exception:
            log.exception("The Evidence tab failed.")
            return {"kind": "error", "code": "internal", "sentence": say("internal")}

    def overview(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """All checkpoints against the original's figures.

        Returns:
            models: [{title, told: sentences, rows: [{name, cells: [of train, validation, test]}]}], a cell {accuracy,
            interval, loss, of} of texts or null.
        """
        return {"models": self.models()}

    def judged(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The claims, {"claims": see there}."""
        return {"claims": self.claims()}

    def pair(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The plots of an experiment. `asked`: {"experiment": id}.

        Returns:
            plots: [{name, title, text, svg}]; missing: sentences about what is not there; commands: that make it;
            measured: a sentence about what was; lists: of the test split, [{name, title, text, count or null}], or [],
            and then no_lists: why; pictures: {shown, text: why not}.
        """
        one = self._experiment(asked)
        folder = self._folder(one)
        plots, missing = [], []
        for name, (title, text) in texts.evidence_plots().items():
            label = f"{title}. {text} {self._title(one.left)}; {self._title(one.right)}."
            svg = _drawing(folder / f"{name}.svg", f"ev-{name}-", label)
            if svg is None:
                missing.append(title)
            else:
                plots.append({"name": name, "title": title, "text": text, "svg": svg})
        found = _json(folder / "comparison.json")
        told = []
        if not plots:
            told = [say("evidence_no_plots", left=self._title(one.left), right=self._title(one.right))]
        elif missing:
            told = [say("evidence_missing", plots=", ".join(missing))]
        if plots and (old := self._outdated(one.left, one.right)):
            told.append(say("evidence_stale", titles=old))
        rows = self._rows(one)
        return {
            "plots": plots,
            "missing": told,
            "commands": [_command(one.left, one.right)] if told else [],
            "measured": _measured(found),
            "names": dict(zip(("left", "right"), self._names(one), strict=True)),
            "lists": [] if rows is None else self._lists(one, rows),
            "no_lists": say("evidence_no_lists") if rows is None else "",
            "pictures": self._pictures_told(),
        }

    def table(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A plot's data. `asked`: {"experiment": id, "plot": name} or {"claim": id}.

        Returns:
            name: of the file; csv: its text.
        """
        claim = asked.get("claim")
        if claim is not None:
            if not isinstance(claim, str) or claim not in {one["id"] for one in self._judged()}:
                raise NotThere("evidence_unknown")
            path, name = self.evidence / "claims" / f"{claim}.csv", f"claim-{claim}.csv"
        else:
            one, plot = self._experiment(asked), asked.get("plot")
            if not isinstance(plot, str) or plot not in PLOTS:
                raise NotThere("evidence_unknown")
            path, name = self._folder(one) / f"{plot}.csv", f"{one.left}--{one.right}-{plot}.csv"
        text = _text(path)
        if text is None:
            raise NotThere("evidence_no_table")
        return {"name": name, "csv": text}

    def listed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A part of a list of the test split. `asked`: {"experiment": id, "list": name, "from": place}.

        Returns:
            rows: at most `PAGE` of [{identity, truth, left, right: {name, share, right: bool}, agreement}];
            from, count: the first's place, and how many there are in all.
        """
        one, name, first = self._experiment(asked), asked.get("list"), asked.get("from", 0)
        rows = self._rows(one)
        if not isinstance(name, str) or name not in LISTS or rows is None:
            raise NotThere("evidence_unknown")
        order = rows.order(name)
        if isinstance(first, bool) or not isinstance(first, int) or not 0 <= first < max(len(order), 1):
            raise NotThere("evidence_unknown")
        classes = self.cards[one.left]["classes"]
        return {
            "rows": [rows.told(place, classes) for place in order[first : first + PAGE]],
            "from": first,
            "count": len(order),
        }

    def thumbnails(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Small pictures. `asked`: {"identities": [...]}, at most `PAGE`, all of them of a checkpoint's test split.

        Returns:
            thumbnails: {identity: {src: data URL} or {sentence: why there is none}}.
        """
        asked = asked.get("identities")
        if not isinstance(asked, list) or len(asked) > PAGE:
            raise NotThere("evidence_unknown")
        found = {}
        for identity in asked:
            digest = self._digest(identity)
            try:
                path = self._file(identity)
                found[identity] = {"src": _thumbnail(path, _version(path), digest)}
            except NotThere as error:
                if error.code == "evidence_unknown":
                    raise
                found[identity] = {"sentence": str(error)}
        return {"thumbnails": found}

    # --- for Compare --------------------------------------------------------------------------------------------------

    def picture(self, identity: object) -> Picture:
        """A picture of the test split, from the data folder, if it is the very file the models were tested on.

        Raises:
            NotThere: for any identity that no checkpoint's predictions name, without a data folder, and for a file
                that is missing or another.
            PictureError: as `explain.pictures.read` does.
        """
        digest = self._digest(identity)
        return read(_content(self._file(identity), digest))

    # --- the checkpoints ----------------------------------------------------------------------------------------------

    def models(self) -> list[dict[str, Any]]:
        """See `overview`."""
        originals = _json(self.weights / "originals.json")
        originals = originals if isinstance(originals, dict) else {}
        groups = []
        first = [id for one in self.experiments.values() for id in (one.left, one.right)]
        for id in dict.fromkeys([*first, *self.cards]):
            card = self.cards[id]
            splits = card.get("splits") if isinstance(card.get("splits"), dict) else {}
            rows = [{"name": say("evidence_ours"), "cells": [_cell(splits.get(name)) for name in SPLITS]}]
            told = [str(card.get("description", ""))]
            original = originals.get(id, originals.get(id.removeprefix("original-")))
            if isinstance(original, dict):
                rows.append({"name": say("evidence_original"), "cells": [_cell(original.get(name)) for name in SPLITS]})
                told.append(say("evidence_original_what", what=original.get("what", "")))
            groups.append({"title": card["title"], "told": told, "rows": rows})
        return groups

    # --- the claims ---------------------------------------------------------------------------------------------------

    def claims(self) -> list[dict[str, Any]]:
        """The judged claims, by the pair they speak of.

        Returns:
            [{title, commands: that make what is missing, claims: [{id, sentence, test, verdict: "holds", "fails" or
            "open", word, told: sentences about figure and threshold, svg or null}]}].
        """
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for claim in self._judged():
            groups.setdefault((claim["left"], claim["right"]), []).append(claim)
        titles = {(one.left, one.right): one.title for one in self.experiments.values()}
        return [
            {
                "title": titles.get(pair, say("evidence_pair", left=self._title(pair[0]), right=self._title(pair[1]))),
                "claims": [self._claim(claim) for claim in claims],
                "commands": list(dict.fromkeys(line for claim in claims for line in self._reason(claim)[1])),
            }
            for pair, claims in groups.items()
        ]

    def _claim(self, claim: dict[str, Any]) -> dict[str, Any]:
        told, _ = self._reason(claim)
        judged = claim["threshold"] is not None and not self._stale(claim)
        verdict = VERDICTS.get(claim["verdict"], "open") if judged else "open"
        label = " ".join([claim["sentence"], *told])
        return {
            "id": claim["id"],
            "sentence": claim["sentence"],
            "test": claim["test"],
            "verdict": verdict,
            "word": texts.evidence_verdicts()[verdict],
            "told": told,
            "svg": _drawing(self.evidence / "claims" / f"{claim['id']}.svg", f"ev-claim-{claim['id']}-", label)
            if judged
            else None,
        }

    def _reason(self, claim: dict[str, Any]) -> tuple[list[str], list[str]]:
        """What was found, against which threshold; and commands for what is missing, if anything is."""
        left, right = claim["left"], claim["right"]
        found, threshold = claim["figure"], claim["threshold"]
        if found is None:
            there = _version(self.evidence / f"{left}--{right}" / "comparison.json") is not None
            key = "evidence_not_measured" if there else "evidence_not_compared"
            facts = {"left": self._title(left), "right": self._title(right)}
            return [say(key, **facts)], [_command(left, right)]
        if stale := self._stale(claim):
            titles = "; ".join(dict.fromkeys(stale.values()))
            return [say("evidence_claim_stale", titles=titles)], [_command(*pair) for pair in stale]
        facts = {name: _number(found[name]) for name in ("mean", "low", "high")}
        told = [say("evidence_figure", count=f"{found['n']:,}", **facts)]
        if threshold is None:
            lacking = [name for name, figure in claim["luck"].items() if figure is None]
            told.append(say("evidence_no_luck", pairs="; ".join(lacking)))
            pairs = [one for one in seeds_of((left, right), self.experiments.values()) if self._lacks(one, claim)]
            return told, [_command(one.left, one.right) for one in pairs]
        key = "evidence_threshold_luck" if claim["luck"] else "evidence_threshold"
        told.append(
            say(
                "evidence_needs_same" if claim["same"] else "evidence_needs",
                threshold=say(key, threshold=_number(threshold), margin=_number(claim["margin"])),
            )
        )
        return told, []

    def _stale(self, claim: dict[str, Any]) -> dict[tuple[str, str], str]:
        """Comparisons that a claim rests on and that are of earlier checkpoints, with the titles of those."""
        pairs = [(claim["left"], claim["right"])]
        if claim["luck"]:
            pairs += [(one.left, one.right) for one in seeds_of(pairs[0], self.experiments.values())]
        return {pair: old for pair in pairs if (old := self._outdated(*pair))}

    def _outdated(self, left: str, right: str) -> str:
        """Titles of those of the two that were trained anew since they were compared."""
        found = _json(self.evidence / f"{left}--{right}" / "comparison.json")
        return ", ".join(map(self._title, outdated(found, left, right, self.cards)))

    def _lacks(self, one: Experiment, claim: dict[str, Any]) -> bool:
        found = _json(self._folder(one) / "comparison.json")
        return not isinstance(found, dict) or claim["measure"] not in {"cka", *(found.get("measures") or {})}

    def _judged(self) -> list[dict[str, Any]]:
        found = _json(self.evidence / "claims.json")
        return [one for one in found if _whole_claim(one)] if isinstance(found, list) else []

    # --- the test split -----------------------------------------------------------------------------------------------

    def _rows(self, one: Experiment) -> "Rows | None":
        sides = [self._predictions(id) for id in (one.left, one.right)]
        if None in sides or self.cards[one.left]["classes"] != self.cards[one.right]["classes"]:
            return None
        old = self._outdated(one.left, one.right)
        pictures = self._folder(one) / ("none" if old else "pictures.npz")  # an earlier model's maps
        return _rows(*(self.weights / id / PREDICTIONS for id in (one.left, one.right)), pictures)

    def _predictions(self, id: str) -> dict[str, np.ndarray] | None:
        found = _arrays(self.weights / id / PREDICTIONS, PREDICTED)
        return found if found and found["probabilities"].ndim == 2 and _fits(found, self.cards[id]) else None

    def _lists(self, one: Experiment, rows: "Rows") -> list[dict[str, Any]]:
        left, right = self._names(one)
        return [
            {
                "name": name,
                "title": title.format(left=left, right=right),
                "text": text.format(left=left, right=right, compared=f"{rows.compared:,}", of=f"{len(rows.sure):,}"),
                "count": None if name in ORDERS else len(rows.order(name)),
            }
            for name, (title, text) in texts.evidence_lists().items()
        ]

    def _digest(self, identity: object) -> str:
        """The digest of a picture that some checkpoint was tested on."""
        if isinstance(identity, str) and len(identity) < 200:
            for id in self.cards:
                found = _places(self.weights / id / PREDICTIONS)
                if identity in found:
                    return found[identity]
        raise NotThere("evidence_unknown")

    def _file(self, identity: str) -> Path:
        if self.data is None:
            raise NotThere("evidence_no_data")
        found, start = _IDENTITY.fullmatch(identity), self._start
        if found is None or start is None:
            raise NotThere("evidence_no_file")
        top, layout = start
        species, number = found.groups()
        return top / layout.format(species=species, Species=species.capitalize(), number=number)

    @functools.cached_property
    def _start(self) -> tuple[Path, str] | None:
        """Where a known layout begins: the data folder, or one in it."""
        if self.data is None:
            return None
        try:
            for top in (self.data, *sorted(path for path in self.data.iterdir() if path.is_dir())):
                for name, layout in _LAYOUTS.items():
                    if (top / name).is_dir():
                        return top, layout
        except OSError:
            log.warning("The data folder cannot be read.")
        return None

    def _pictures_told(self) -> dict[str, Any]:
        """Whether pictures are shown, and what is said where they are not."""
        key = "evidence_no_data_long" if self.data is None else "" if self._start else "evidence_other_data"
        return {"shown": not key, "text": say(key) if key else ""}

    # --- small things -------------------------------------------------------------------------------------------------

    def _experiment(self, asked: Mapping[str, Any]) -> Experiment:
        id = asked.get("experiment")
        if not isinstance(id, str) or id not in self.experiments:
            raise NotThere("evidence_unknown")
        return self.experiments[id]

    def _folder(self, one: Experiment) -> Path:
        return self.evidence / f"{one.left}--{one.right}"

    def _title(self, id: str) -> str:
        return self.cards[id]["title"] if id in self.cards else id

    def _names(self, one: Experiment) -> words.Names:
        return words.names(self._title(one.left), self._title(one.right))


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

    def told(self, place: int, classes: Sequence[str]) -> dict[str, Any]:
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
            "agreement": words.number(rank) if math.isfinite(rank) else "",
        }


def catalog(choices: Mapping[str, Any]) -> dict[str, Any]:
    """What the view needs before it asks anything. `choices`: Compare's catalog (`layout.catalog`)."""
    examples = [{key: one[key] for key in ("id", "title", "thumb")} for one in choices["examples"]]
    return {
        "labels": texts.evidence_labels(),
        "rules": texts.evidence_rules(),
        "experiments": choices["experiments"],
        "examples": examples,
        "page": PAGE,
    }


def _rows(left: Path, right: Path, pictures: Path) -> Rows:
    return _joined(left, right, pictures, *map(_version, (left, right, pictures)))


@functools.lru_cache(maxsize=16)
def _joined(left: Path, right: Path, pictures: Path, *versions: object) -> Rows:
    ours, theirs = (_arrays(path, PREDICTED) for path in (left, right))
    where = {key: place for place, key in enumerate(_keys(theirs))}
    places = np.array([(k, where[key]) for k, key in enumerate(_keys(ours)) if key in where], int).reshape(-1, 2)
    probabilities = ours["probabilities"][places[:, 0]], theirs["probabilities"][places[:, 1]]
    measured = _arrays(pictures, ("identities", "digests", "rank_last"))
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


def _fits(arrays: dict[str, np.ndarray], card: dict[str, Any]) -> bool:
    count = len(card["classes"])
    labels = arrays["labels"]
    return arrays["probabilities"].shape[1] == count and (not len(labels) or 0 <= labels.min() <= labels.max() < count)


# --- numbers and words ------------------------------------------------------------------------------------------------


def _cell(figures: object) -> dict[str, str] | None:
    """A split's figures in texts, of a card or of originals.json; None where there are none."""
    if not isinstance(figures, dict) or not _is_number(figures.get("accuracy")):
        return None
    interval, loss, best = figures.get("accuracy_interval"), figures.get("log_loss"), figures.get("best_of")
    text = ""
    if isinstance(interval, list) and len(interval) == 2 and all(map(_is_number, interval)):
        low, high = (f"{100 * bound:.2f}" for bound in interval)
        text = say("evidence_interval", low=low, high=high)
    of = ""
    if isinstance(best, int):
        of = say("evidence_best" if best > 1 else "evidence_after", epochs=best)
    return {
        "accuracy": say("percent", value=f"{100 * figures['accuracy']:.2f}"),
        "interval": text,
        "loss": say("evidence_loss", loss=f"{loss:.4f}") if _is_number(loss) else "",
        "of": of,
    }


def _measured(found: object) -> str:
    """What a comparison rests on, in a sentence."""
    if not isinstance(found, dict) or not isinstance(found.get("n"), int):
        return ""
    heads = found.get("heads")
    if isinstance(heads, dict) and isinstance(heads.get("n"), int):
        return say("evidence_measured_heads", count=f"{found['n']:,}", heads=f"{heads['n']:,}")
    return say("evidence_measured", count=f"{found['n']:,}")


def _command(left: str, right: str) -> str:
    return f"python -m study compare {left} {right} --data-dir DIR --heads-dir DIR"


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _whole_claim(claim: object) -> bool:
    """Whether a claim has all that is shown of it, of the right kinds."""
    if not isinstance(claim, dict):
        return False
    texts_there = all(isinstance(claim.get(key), str) for key in ("sentence", "test", "measure", "verdict"))
    ids = all(isinstance(claim.get(key), str) and _ID.fullmatch(claim[key]) for key in ("id", "left", "right"))
    luck = claim.get("luck")
    figures = [claim.get("figure"), *(luck.values() if isinstance(luck, dict) else [])]
    keys = ("mean", "low", "high")
    numbers = all(
        one is None or (isinstance(one, dict) and all(_is_number(one.get(key)) for key in keys)) for one in figures
    )
    counted = figures[0] is None or isinstance(figures[0].get("n"), int) if numbers else False
    threshold = claim.get("threshold")
    return bool(
        texts_there
        and ids
        and isinstance(luck, dict)
        and numbers
        and counted
        and (threshold is None or _is_number(threshold))
        and _is_number(claim.get("margin"))
        and isinstance(claim.get("same"), bool)
    )


# --- files: read once, and again when they have changed ---------------------------------------------------------------


def _version(path: Path) -> tuple[int, int] | None:
    """Changes when the file does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _text(path: Path) -> str | None:
    version = _version(path)
    return None if version is None else _text_of(path, version)


@functools.lru_cache(maxsize=64)
def _text_of(path: Path, version: object) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def _json(path: Path) -> Any:
    version = _version(path)
    return None if version is None else _json_of(path, version)


@functools.lru_cache(maxsize=32)
def _json_of(path: Path, version: object) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def _arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray] | None:
    """Arrays of one length from an .npz; None where it lacks one of them."""
    version = _version(path)
    return None if version is None else _arrays_of(path, tuple(names), version)


@functools.lru_cache(maxsize=16)
def _arrays_of(path: Path, names: tuple[str, ...], version: object) -> dict[str, np.ndarray] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in names}
        if len({len(array) for array in found.values()}) != 1:
            raise ValueError("arrays of different lengths")
        return found
    except Exception:  # a damaged archive raises nearly anything
        log.warning("%s/%s cannot be read.", path.parent.name, path.name)
        return None


def _places(predictions: Path) -> dict[str, str]:
    """Digest by identity."""
    version = _version(predictions)
    return {} if version is None else _places_of(predictions, version)


@functools.lru_cache(maxsize=16)
def _places_of(predictions: Path, version: object) -> dict[str, str]:
    found = _arrays(predictions, PREDICTED)
    return dict(_keys(found)) if found else {}


def _content(path: Path, digest: str) -> bytes:
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
def _thumbnail(path: Path, version: object, digest: str) -> str:
    """A data URL of some 5 kB."""
    try:
        pixels = read(_content(path, digest)).pixels
    except PictureError:
        raise NotThere("evidence_unreadable") from None
    height, width = pixels.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return data_url(resize(pixels, size), "JPEG", quality=78)


# --- plots ------------------------------------------------------------------------------------------------------------

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {"svg", "g", "defs", "path", "use", "text", "tspan", "rect", "circle", "ellipse", "line", "polyline"}
_ELEMENTS |= {"polygon", "clipPath", "image", "linearGradient", "stop", "title"}
_ATTRIBUTES = {
    "d",
    "x",
    "y",
    "width",
    "height",
    "transform",
    "points",
    "r",
    "cx",
    "cy",
    "rx",
    "ry",
    "x1",
    "x2",
    "y1",
    "y2",
}
_ATTRIBUTES |= {"offset", "opacity", "preserveAspectRatio", "viewBox", "clip-path", "fill", "stroke", "dx", "dy"}
_STYLES = {"fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray"}
_STYLES |= {"stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "opacity", "clip-rule"}
_STYLES |= {"font-size", "font-weight", "font-style", "text-anchor", "image-rendering", "stop-color", "stop-opacity"}
_PLAIN = re.compile(r"[\w\s#.,%+-]*")  # of a style's value: no address, no function
_REFERENCE = re.compile(r"url\(#([\w.:-]+)\)")
_NAME = re.compile(r"[\w.:-]+")
_PNG = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]*")
_THEMED = {"#d0453e": "var(--tm-plot-left)", "#3d6fd9": "var(--tm-plot-right)", "#8a8f98": "var(--tm-plot-luck)"}


def _drawing(path: Path, prefix: str, label: str) -> str | None:
    """A plot's SVG for standing in the page; None where there is none, or it is broken."""
    text = _text(path)
    return None if text is None else drawing(text, prefix, label)


@functools.lru_cache(maxsize=128)
def drawing(text: str, prefix: str, label: str) -> str | None:
    """An SVG that can stand in a page with others: shapes, words and embedded PNGs, and nothing else of it.

    No script, no handler, no style sheet, no reference to anything outside of it. Its ids begin with `prefix`; fonts
    are the page's; three colours (left, right, luck) follow the page's light and dark.

    Args:
        text: the SVG document.
        prefix: unique in the page.
        label: what it shows, for those who don't see it.

    Returns:
        SVG as text; None where `text` is none.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    if root.tag != f"{_SVG}svg" or not root.get("viewBox"):
        return None
    copy = _clean(root, prefix)
    for name in set(copy.keys()) - {"viewBox"}:
        del copy.attrib[name]
    copy.attrib |= {"xmlns": _SVG[1:-1], "role": "img", "aria-label": label}
    return ElementTree.tostring(copy, encoding="unicode")


def _clean(element: ElementTree.Element, prefix: str) -> ElementTree.Element:
    copy = ElementTree.Element(element.tag.removeprefix(_SVG))
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        if name == "href":
            if copy.tag == "use" and value.startswith("#") and _NAME.fullmatch(value[1:]):
                copy.set("href", f"#{prefix}{value[1:]}")
            elif copy.tag == "image" and _PNG.fullmatch(value):
                copy.set("href", re.sub(r"\s", "", value))
        elif name == "id":
            if _NAME.fullmatch(value):
                copy.set("id", prefix + value)
        elif name == "style":
            copy.set("style", _style(value, prefix))
        elif key in _ATTRIBUTES and (plain := _value(value, prefix, r"[\w\s#.,%+()-]*")) is not None:
            copy.set(key, plain)
    if copy.tag in ("text", "tspan", "title"):
        copy.text = element.text
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(_SVG) and child.tag.removeprefix(_SVG) in _ELEMENTS:
            inner = _clean(child, prefix)
            inner.tail = child.tail if copy.tag == "text" else None
            copy.append(inner)
    return copy


def _style(text: str, prefix: str) -> str:
    kept = []
    for part in text.split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name in _STYLES and (plain := _value(value, prefix)) is not None:
            kept.append(f"{name}:{_THEMED.get(plain.lower(), plain)}")
    return ";".join(kept)


def _value(value: str, prefix: str, plain: str | re.Pattern = _PLAIN) -> str | None:
    """An attribute's value, if it names nothing outside: words and numbers, or a reference to something inside."""
    if found := _REFERENCE.fullmatch(value.strip()):
        return f"url(#{prefix}{found[1]})"
    return value if re.fullmatch(plain, value) and "url" not in value.lower() else None
