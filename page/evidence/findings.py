"""What the Evidence tab answers: checkpoints, claims, plots and lists of test pictures, each chosen by id."""

import asyncio
import functools
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from anyio.to_thread import run_sync

from explain.cards import Card, Figures, natural_order
from explain.pictures import Picture, read
from explain.view.words import Words
from page.evidence import ladder, scaling
from page.evidence.classes import FEWEST, Classes
from page.evidence.drawing import drawing
from page.evidence.testset import PREDICTED, PREDICTIONS, NotThere, Rows, content, digests_of, fits, rows_of, thumbnail
from page.log import described
from page.texts import PageTexts, en
from study.experiments import Experiment
from study.files import read_arrays, read_json, version_of
from study.store import Store, of_pets, outdated, same_recipe
from study.texts import en as judged

log = logging.getLogger("two-minds")

# Ids, of which every language has the words
PLOTS = tuple(en.TEXTS["evidence_plots"])
LISTS = tuple(en.TEXTS["evidence_lists"])
SPLITS = ("train", "validation", "test")
AT_ONCE = 2  # answers; Gradio has few threads for all its visitors
PAGE = 12  # pictures of a list shown at once
ORDERS = ("unsure", "sure")  # lists in which every picture has a place
JUDGED = ("holds", "fails")  # verdicts with a mark of their own
LEAST = "least"  # a claim about every layer (study.claims)
DEPTHS = {"last": 1.0, "deep": 0.75, "all": 0.5}  # where a claim's place is looked at
OF_FEATURES = ("cka", "dead", "contrast", "roughness")  # measures of feature maps

# Where a picture's file lies in the two published layouts of Cats vs Dogs
_IDENTITY = re.compile(r"(cat|dog)/(\d{1,7})")
_LAYOUTS = {"PetImages": "PetImages/{Species}/{number}.jpg", "train": "train/{species}.{number}.jpg"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


class Findings:
    """What there is to show of the runs, read when it is asked for.

    Args:
        weights, evidence: folders of checkpoints and of what was measured.
        cards: of the checkpoints that can be used, by id.
        experiments: of these, the pairs.
        data: folder of a data set's pictures, if the host has one.
        texts: of the page's language; by default English.
    """

    def __init__(
        self,
        weights: Path,
        evidence: Path,
        cards: Mapping[str, Card],
        experiments: Sequence[Experiment],
        data: Path | None = None,
        texts: PageTexts | None = None,
    ) -> None:
        self.texts = texts or PageTexts()
        self.words, self.say = Words(self.texts), self.texts.say
        self.weights, self.store, self.cards, self.data = weights, Store(evidence), cards, data
        self.experiments = {experiment.id: experiment for experiment in experiments if len(experiment.models) == 2}
        if data is not None and not data.is_dir():
            log.warning("There is no data folder %s; the Evidence tab shows no pictures.", data)
            self.data = None
        self.many = Classes(weights, cards, self.predictions, self.texts)

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

        return [serve(name) for name in ("overview", "classes", "judged", "pair", "table", "listed", "thumbnails")]

    def answer(self, name: str, asked: object) -> dict[str, Any]:
        """What one of the methods below answers, or one sentence; `asked` comes from outside and may be anything."""
        try:
            return getattr(self, name)(asked if isinstance(asked, Mapping) else {})
        except NotThere as error:
            return {"kind": "error", "code": error.code, "sentence": self.texts.told(error)}
        except Exception as error:
            log.error("The Evidence tab failed: %s", described(error))
            return {"kind": "error", "code": "internal", "sentence": self.say("internal")}

    def overview(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """All checkpoints against the original's figures.

        Returns:
            models: [{title, told: sentences, rows: [{name, cells: [of train, validation, test]}]}], a cell {accuracy,
            interval, loss, of} of texts or null. ladder: see `ladder.told`. many: [{id, title, classes}], those of many
            classes, of which `classes` tells more.
        """
        steps = ladder.told(self.store.ladder(), self._originals(), self._cell, self.texts)
        return {"models": self.models(), "ladder": steps, "many": self.many.models()}

    def classes(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a checkpoint of many classes gets wrong, see `Classes.told`. `asked`: {"model": id}."""
        return self.many.told(asked.get("model"))

    def judged(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The claims, {"claims": see there}, and behind them the scaling experiment's (see `scaling.told`)."""
        return {"claims": [*self.claims(), *scaling.told(self.store, self.texts)]}

    def pair(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The plots of an experiment. `asked`: {"experiment": id}.

        Returns:
            plots: [{name, title, text, svg}]; missing: sentences about what is not there; commands: that make it;
            measured: a sentence about what was; lists: of the test split, [{name, title, text, count or null}], or [],
            and then no_lists: why; pictures: {shown, text: why not}.
        """
        experiment = self._experiment(asked)
        pair = experiment.left, experiment.right
        plots, missing = [], []
        pets = all(of_pets(self.cards[model_id].classes) for model_id in pair)
        for name, (title, text) in self.texts["evidence_plots"].items():
            if name == "heads" and not pets:
                continue
            label = f"{title}. {text} {self._title(experiment.left)}; {self._title(experiment.right)}."
            svg = _drawing(self.store.svg(self.store.pair_plot(*pair, name)), f"ev-{name}-", label)
            if svg is None:
                missing.append(title)
            else:
                plots.append({"name": name, "title": title, "text": text, "svg": svg})
        told = []
        if not plots:
            told = [
                self.say("evidence_no_plots", left=self._title(experiment.left), right=self._title(experiment.right))
            ]
        elif missing:
            told = [self.say("evidence_missing", plots=", ".join(missing))]
        if plots and (old := self._outdated(experiment.left, experiment.right)):
            told.append(self.say("evidence_stale", titles=old))
        rows = self._rows(experiment)
        return {
            "plots": plots,
            "missing": told,
            "commands": [_command(*pair, heads=pets)] if told else [],
            "measured": self._measured(*pair),
            "names": dict(zip(("left", "right"), self._names(experiment), strict=True)),
            "lists": [] if rows is None else self._lists(experiment, rows),
            "no_lists": self.say("evidence_no_lists") if rows is None else "",
            "pictures": self._pictures_told(),
        }

    def table(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A plot's data. `asked`: {"experiment": id, "plot": name} or {"claim": id}.

        Returns:
            name: of the file; csv: its text.
        """
        claim = asked.get("claim")
        if claim is not None:
            if not isinstance(claim, str) or claim not in {
                *scaling.PLOTS,
                *(judged["id"] for judged in self._judged()),
            }:
                raise NotThere("evidence_unknown")
            path, name = self.store.claim_plot(claim), f"claim-{claim}.csv"
        else:
            experiment, plot = self._experiment(asked), asked.get("plot")
            if not isinstance(plot, str) or plot not in PLOTS:
                raise NotThere("evidence_unknown")
            path = self.store.pair_plot(experiment.left, experiment.right, plot)
            name = f"{experiment.left}--{experiment.right}-{plot}.csv"
        text = self.store.csv(path)
        if text is None:
            raise NotThere("evidence_no_table")
        return {"name": name, "csv": text}

    def listed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A part of a list of the test split. `asked`: {"experiment": id, "list": name, "from": place}.

        Returns:
            rows: at most `PAGE` of [{identity, truth, left, right: {name, share, right: bool}, agreement}];
            from, count: the first's place, and how many there are in all.
        """
        experiment, name, first = self._experiment(asked), asked.get("list"), asked.get("from", 0)
        rows = self._rows(experiment)
        if not isinstance(name, str) or name not in LISTS or rows is None:
            raise NotThere("evidence_unknown")
        order = rows.order(name)
        if isinstance(first, bool) or not isinstance(first, int) or not 0 <= first < max(len(order), 1):
            raise NotThere("evidence_unknown")
        classes = self.cards[experiment.left].classes
        return {
            "rows": [rows.told(place, classes, self.words) for place in order[first : first + PAGE]],
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
        thumbnails = {}
        for identity in asked:
            digest = self._digest(identity)
            try:
                path = self._file(identity)
                thumbnails[identity] = {"src": thumbnail(path, version_of(path), digest)}
            except NotThere as error:
                if error.code == "evidence_unknown":
                    raise
                thumbnails[identity] = {"sentence": self.texts.told(error)}
        return {"thumbnails": thumbnails}

    # --- for Compare --------------------------------------------------------------------------------------------------

    def picture(self, identity: object) -> Picture:
        """A picture of the test split, from the data folder, if it is the very file the models were tested on.

        Raises:
            NotThere: for any identity that no checkpoint's predictions name, without a data folder, and for a file
                that is missing or another.
            PictureError: as `explain.pictures.read` does.
        """
        digest = self._digest(identity)
        return read(content(self._file(identity), digest))

    def truth(self, identity: object) -> str | None:
        """The true class of a picture of the test split; None for any other identity."""
        for model_id, card in self.cards.items():
            predictions = self.predictions(model_id) if isinstance(identity, str) else None
            places = np.flatnonzero(predictions["identities"] == identity) if predictions else ()
            if len(places):
                return card.classes[predictions["labels"][places[0]]]
        return None

    # --- the checkpoints ----------------------------------------------------------------------------------------------

    def models(self) -> list[dict[str, Any]]:
        """See `overview`."""
        originals, groups = self._originals(), []
        first = [
            model_id for experiment in self.experiments.values() for model_id in (experiment.left, experiment.right)
        ]
        for model_id in dict.fromkeys([*first, *self.cards]):
            card = self.cards[model_id]
            cells = [self._cell(card.splits.get(name, Figures())) for name in SPLITS]
            rows, told = [{"name": self.say("evidence_ours"), "cells": cells}], [card.description]
            original = originals.get(model_id, originals.get(model_id.removeprefix("original-")))
            if isinstance(original, dict):
                figures = (original.get(name) for name in SPLITS)
                cells = [self._cell(Figures.from_json(split if isinstance(split, dict) else {})) for split in figures]
                rows.append({"name": self.say("evidence_original"), "cells": cells})
                told.append(self.say("evidence_original_what", what=original.get("what", "")))
            groups.append({"title": card.title, "told": told, "rows": rows})
        return groups

    def _originals(self) -> dict[str, Any]:
        originals = read_json(self.weights / "originals.json")
        return originals if isinstance(originals, dict) else {}

    # --- the claims ---------------------------------------------------------------------------------------------------

    def claims(self) -> list[dict[str, Any]]:
        """The judged claims, by the pair they speak of.

        Returns:
            [{title, models: the pair's, commands: that make what is missing, claims: [{id, sentence, test, verdict:
            "holds", "fails" or "open", word, told: sentences about figure and threshold, svg or null, see: {depth,
            view: of Compare} where it can be looked at, or null}]}].
        """
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for claim in self._judged():
            groups.setdefault((claim["left"], claim["right"]), []).append(claim)
        titles = {(experiment.left, experiment.right): experiment.title for experiment in self.experiments.values()}
        return [
            {
                "title": titles.get(
                    pair, self.say("evidence_pair", left=self._title(pair[0]), right=self._title(pair[1]))
                ),
                "models": list(pair),
                "claims": [self._claim(claim) for claim in claims],
                "commands": list(dict.fromkeys(line for claim in claims for line in self._reason(claim)[1])),
            }
            for pair, claims in groups.items()
        ]

    def _claim(self, claim: dict[str, Any]) -> dict[str, Any]:
        told, _ = self._reason(claim)
        sentence, test = self.texts["evidence_claims"][claim["id"]]
        stale = self._stale(claim)
        verdict = "open" if stale else claim["verdict"]
        svg = None if stale or claim["figure"] is None else self.store.svg(self.store.claim_plot(claim["id"]))
        return {
            "id": claim["id"],
            "sentence": sentence,
            "test": test,
            "verdict": verdict if verdict in JUDGED else "open",
            "word": self.texts["evidence_verdicts"][verdict],
            "told": told,
            "see": self._see(claim),
            "svg": _drawing(svg, f"ev-claim-{claim['id']}-", " ".join([sentence, *told])),
        }

    def _see(self, claim: dict[str, Any]) -> dict[str, Any] | None:
        """Where in Compare a claim can be looked at: at the depth it speaks of; None of what no picture shows."""
        if claim["measure"] == "accuracy":
            return None
        depth = DEPTHS.get(str(claim.get("place")), 1.0)
        if claim.get("place") == LEAST and claim.get("side") in ("left", "right"):  # where it begins lowest
            measures = self.store.measures(claim[claim["side"]]) or {}
            table = measures.get("measures", {}).get(claim["measure"]) or {}
            lows = [figure["low"] if isinstance(figure, dict) else math.inf for figure in table.get("layers", [])]
            depths = [layer["depth"] for layer in measures.get("layers", [])]
            if lows and len(depths) == len(lows):
                depth = depths[lows.index(min(lows))]
        return {"depth": depth, "view": "features" if claim["measure"] in OF_FEATURES else "overlay"}

    def _reason(self, claim: dict[str, Any]) -> tuple[list[str], list[str]]:
        """What was found, and what it would have to be; and commands for what is missing, if anything is."""
        pair = claim["left"], claim["right"]
        titles = {"left": self._title(pair[0]), "right": self._title(pair[1])}
        if stale := self._stale(claim):
            return [self.say("evidence_claim_stale", titles=", ".join(map(self._title, stale)))], [_command(*pair)]
        figure, verdict, counts = claim["figure"], claim["verdict"], claim["counts"]
        if verdict == "open" and figure is None:
            if not all(counts.values()):
                return [self.say("evidence_not_compared", **titles)], [_command(*pair)]
            if claim["measure"] == "cka":
                ids = [model_id for side in pair for model_id in self.store.trainings(side)]
                return [self.say("evidence_not_all_pairs")], [_command(*ids)]
            return [self.say("evidence_not_measured", **titles)], [_command(*pair)]
        if verdict == "too_few":
            told = [
                self.say("evidence_too_few" if claim["unit"] == "recipe" else "evidence_too_few_pictures", **counts)
            ]
        elif verdict == "nothing_to_tell":
            told = [self.say("evidence_nothing")]
        else:
            facts = {name: _number(figure[name]) for name in ("mean", "low", "high")}
            key = "evidence_figure_recipe" if claim["unit"] == "recipe" else "evidence_figure_file"
            needs = "evidence_needs_same" if claim["same"] else "evidence_needs"
            told = [
                self.say(key, count=f"{figure['n']:,}", **facts, **counts),
                self.say(needs, margin=_number(claim["margin"])),
            ]
        told += self._trainings(claim, titles)
        if claim["unit"] == "recipe":
            told += self._left_out(*pair)
        return told + [self.say("evidence_known")] * claim["known"], []

    def _trainings(self, claim: dict[str, Any], titles: Mapping[str, str]) -> list[str]:
        """The claim's figure of every training, where there are several."""
        told = []
        for side, values in claim["trainings"].items():
            known = [value for value in values.values() if value is not None]
            if side in titles and len(known) > 1:
                facts = {"title": titles[side], "count": len(known), "values": ", ".join(map(_number, known))}
                told.append(self.say("evidence_trainings", **facts))
            elif side not in titles and known:
                key = "evidence_pairs_between" if side == "between" else "evidence_pairs_within"
                told.append(self.say(key, count=len(known), low=_number(min(known)), high=_number(max(known))))
        return told

    def _stale(self, claim: dict[str, Any]) -> list[str]:
        """Checkpoints that a claim rests on and that were trained anew since."""
        pair = claim["left"], claim["right"]
        rests_on = {model_id for side in pair for model_id in self.store.trainings(side)}
        digests = self._digests()
        measured = {model_id: (self.store.measures(model_id) or {}).get("model") for model_id in rests_on}
        old = {model_id for model_id, digest in measured.items() if digests.get(model_id, digest) != digest}
        return sorted(old | set(outdated(self.store.comparison(*pair), digests)), key=natural_order)

    def _digests(self) -> dict[str, str]:
        return {model_id: card.digests.model for model_id, card in self.cards.items()}

    def _outdated(self, left: str, right: str) -> str:
        """Titles of those of the two that were trained anew since they were compared."""
        return ", ".join(map(self._title, outdated(self.store.comparison(left, right), self._digests())))

    def _judged(self) -> list[dict[str, Any]]:
        return [claim for claim in self.store.claims() if _whole_claim(claim)]

    def _measured(self, left: str, right: str) -> str:
        """What a comparison rests on, and what it says of the two recipes."""
        comparison = self.store.comparison(left, right) or {}
        if not isinstance(comparison.get("n"), int):
            return ""
        heads = comparison.get("heads")
        if isinstance(heads, dict) and isinstance(heads.get("n"), int):
            told = [self.say("evidence_measured_heads", count=f"{comparison['n']:,}", heads=f"{heads['n']:,}")]
        else:
            told = [self.say("evidence_measured", count=f"{comparison['n']:,}")]
        recipes = self.store.recipes(left, right)
        cards = [self.cards[model_id].recipe for model_id in (left, right)]
        if same_recipe(*cards):
            told.append(self.say("evidence_one_recipe"))
        elif recipes and all(isinstance(recipes.get(side), list) for side in ("left", "right")):
            counts = {side: len(recipes[side]) for side in ("left", "right")}
            told.append(self.say("evidence_recipes" if recipes.get("enough") else "evidence_recipes_few", **counts))
            if recipes.get("missing"):
                told.append(self.say("evidence_recipes_pairs"))
            told += self._left_out(left, right)
        return " ".join(told)

    def _left_out(self, left: str, right: str) -> list[str]:
        """Which trainings of two recipes are too many to be looked at, if any are."""
        recipes = self.store.recipes(left, right) or {}
        left_out, judged = recipes.get("left_out"), [recipes.get(side) for side in ("left", "right")]
        beyond = list(left_out.values()) if isinstance(left_out, dict) else []
        if not all(isinstance(ids, list) for ids in (*beyond, *judged)):
            return []
        ids = [model_id for ids in beyond for model_id in ids if isinstance(model_id, str) and _ID.fullmatch(model_id)]
        if not ids:
            return []
        titles = ", ".join(str((self.store.measures(model_id) or {}).get("title", model_id)) for model_id in ids)
        return [self.say("evidence_left_out", most=max(map(len, judged)), titles=titles)]

    # --- the test split -----------------------------------------------------------------------------------------------

    def _rows(self, experiment: Experiment) -> Rows | None:
        sides = [self.predictions(model_id) for model_id in (experiment.left, experiment.right)]
        if None in sides or self.cards[experiment.left].classes != self.cards[experiment.right].classes:
            return None
        old = self._outdated(experiment.left, experiment.right)  # an earlier model's maps
        pictures = None if old else self.store.pair_pictures(experiment.left, experiment.right)
        return rows_of(
            *(self.weights / model_id / PREDICTIONS for model_id in (experiment.left, experiment.right)), pictures
        )

    def predictions(self, model_id: str) -> dict[str, np.ndarray] | None:
        """What a checkpoint predicted for the test split (see `PREDICTED`); None where that is missing or broken."""
        arrays = read_arrays(self.weights / model_id / PREDICTIONS, PREDICTED)
        return arrays if arrays and arrays["probabilities"].ndim == 2 and fits(arrays, self.cards[model_id]) else None

    @functools.lru_cache(maxsize=64)  # noqa: B019  there is one of these
    def disagreements(self, model_ids: tuple[str, ...]) -> tuple[int, int] | None:
        """On how many pictures of the test split models do not all say the same, and of how many; None if not known."""
        tables = [self.predictions(model_id) for model_id in model_ids]
        keys = [
            list(zip(table["identities"].tolist(), table["digests"].tolist(), strict=True)) for table in tables if table
        ]
        if len(keys) < len(tables) or not keys or len({self.cards[model_id].classes for model_id in model_ids}) > 1:
            return None
        choices = [
            dict(zip(key, table["probabilities"].argmax(1).tolist(), strict=True))
            for key, table in zip(keys, tables, strict=True)
        ]
        common = set.intersection(*map(set, choices))
        return sum(len({choice[key] for choice in choices}) > 1 for key in common), len(common)

    def _lists(self, experiment: Experiment, rows: Rows) -> list[dict[str, Any]]:
        left, right = self._names(experiment)
        return [
            {
                "name": name,
                "title": title.format(left=left, right=right),
                "text": text.format(left=left, right=right, compared=f"{rows.compared:,}", of=f"{len(rows.labels):,}"),
                "count": None if name in ORDERS else len(rows.order(name)),
            }
            for name, (title, text) in self.texts["evidence_lists"].items()
        ]

    def _digest(self, identity: object) -> str:
        """The digest of a picture that some checkpoint was tested on."""
        if isinstance(identity, str) and len(identity) < 200:
            for model_id in self.cards:
                digests = digests_of(self.weights / model_id / PREDICTIONS)
                if identity in digests:
                    return digests[identity]
        raise NotThere("evidence_unknown")

    def _file(self, identity: str) -> Path:
        if self.data is None:
            raise NotThere("evidence_no_data")
        match, start = _IDENTITY.fullmatch(identity), self._start
        if match is None or start is None:
            raise NotThere("evidence_no_file")
        top, layout = start
        species, number = match.groups()
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
        return {"shown": not key, "text": self.say(key) if key else ""}

    # --- small things -------------------------------------------------------------------------------------------------

    def _experiment(self, asked: Mapping[str, Any]) -> Experiment:
        experiment_id = asked.get("experiment")
        if not isinstance(experiment_id, str) or experiment_id not in self.experiments:
            raise NotThere("evidence_unknown")
        return self.experiments[experiment_id]

    def _title(self, model_id: str) -> str:
        return self.cards[model_id].title if model_id in self.cards else model_id

    def _names(self, experiment: Experiment) -> tuple[str, ...]:
        return self.words.names(self._title(experiment.left), self._title(experiment.right))

    def _cell(self, figures: Figures) -> dict[str, str] | None:
        """A split's figures in texts, of a card or of originals.json; None where there are none."""
        if figures.accuracy is None:
            return None
        loss, best = figures.log_loss, figures.more.get("best_of")
        text = ""
        if figures.accuracy_interval is not None:
            low, high = (f"{100 * bound:.2f}" for bound in figures.accuracy_interval)
            text = self.say("evidence_interval", low=low, high=high)
        of = ""
        if isinstance(best, int):
            of = self.say("evidence_best" if best > 1 else "evidence_after", epochs=best)
        return {
            "accuracy": self.say("percent", value=f"{100 * figures.accuracy:.2f}"),
            "interval": text,
            "loss": self.say("evidence_loss", loss=f"{loss:.4f}") if loss is not None else "",
            "of": of,
        }


def catalog(choices: Mapping[str, Any], texts: PageTexts) -> dict[str, Any]:
    """What the view needs before it asks anything. `choices`: Compare's catalog (`layout.catalog`)."""
    examples = [{key: example[key] for key in ("id", "title", "thumb")} for example in choices["examples"]]
    return {
        "labels": {**texts["evidence_labels"], **texts["classes_labels"]},
        "rules": texts["evidence_rules"],
        "experiments": choices["experiments"],
        "unjudged": texts["evidence_unjudged"],
        "examples": examples,
        "page": PAGE,
        "fewest": FEWEST,
    }


# --- numbers and words ------------------------------------------------------------------------------------------------


def _command(*ids: str, heads: bool = True) -> str:
    return f"python -m study compare {' '.join(ids)} --data-dir DIR" + " --heads-dir DIR" * heads


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _whole_claim(claim: object) -> bool:
    """Whether a claim has all that is shown of it, of the right kinds."""
    if not isinstance(claim, dict) or not isinstance(claim.get("id"), str):
        return False
    figure, trainings, counts = (claim.get(key) for key in ("figure", "trainings", "counts"))
    ids = all(isinstance(claim.get(key), str) and _ID.fullmatch(claim[key]) for key in ("left", "right"))
    flags = all(isinstance(claim.get(key), bool) for key in ("same", "known"))
    names = claim.get("unit") in ("file", "recipe") and isinstance(claim.get("measure"), str)
    numbers = isinstance(figure, dict) and all(_is_number(figure.get(key)) for key in ("mean", "low", "high", "n"))
    tables = isinstance(trainings, dict) and all(
        isinstance(values, dict) and all(value is None or _is_number(value) for value in values.values())
        for values in trainings.values()
    )
    counted = isinstance(counts, dict) and all(isinstance(counts.get(side), int) for side in ("left", "right"))
    return bool(
        claim["id"] in judged.TEXTS["evidence_claims"]
        and claim.get("verdict") in judged.TEXTS["evidence_verdicts"]
        and ids
        and flags
        and names
        and (numbers or (figure is None and claim["verdict"] not in ("holds", "fails")))
        and tables
        and counted
        and _is_number(claim.get("margin"))
    )


def _drawing(text: str | None, prefix: str, label: str) -> str | None:
    """A plot's SVG for standing in the page; None where there is none, or it is broken."""
    return None if text is None else drawing(text, prefix, label)
