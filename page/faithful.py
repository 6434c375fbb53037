"""How far two maps of one picture are what their models rest on: measured when somebody asks, and told in words."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from explain.align import Comparison
from explain.checkpoints import Checkpoint
from explain.errors import ModelError
from explain.faithfulness import Curves, baseline_maps, removal
from explain.preprocessing import preprocessing
from explain.rules import RULES
from explain.sanity import randomised
from explain.view.message import Explained, packed_map
from explain.view.words import Words, capital, number

FILL = "blur"  # the cheapest one that leaves little of an outline; the baselines have the same
STEPS = 10
DRAWS = 4  # random maps among the baselines
STAGES = 4  # times that weights are drawn anew
PIECES = 4 + DRAWS  # of a model: curves by its own map, the other's, edges, the middle, and random ones
PASSES = PIECES * 2 * STEPS  # of a model, for these
AS_FAST = 0.05  # mean probability by which two curves may differ and still fall as fast
ALIKE = 0.5  # rank correlation from which on a map hardly depends on the weights

Model = Any
Tell = Callable[[float], None]


def faithful(
    models: Sequence[Model],
    explained: Sequence[Explained],
    comparison: Comparison,
    depth: float,
    words: Words,
    names: Sequence[str],
    tell: Tell = lambda share: None,
) -> dict[str, Any]:
    """The message of the panel.

    Args:
        models: two checkpoints or ensembles.
        explained: what they saw in the picture.
        comparison: of these, by the rule to judge.
        depth: the stop nearest to it is judged, 0 to 1; without a meaning where the rule gives one map of the input.
        words: of the page.
        names: of the models.
        tell: is called with the share that is done; what it raises ends the work.

    Returns:
        kind    "faithfulness"
        rule    its name
        depth   of the stop
        shares  of the picture that are taken away
        models  [{...}, {...}], each
            name, target, layer
            most, least         the probability of the class while the most, the least important goes first
            band                {most: [[low, high], ...], least: ...}: of maps that know nothing of any model
            srg, baselines      symmetric relevance gain of the map, and the greatest one among these
            cross               {most, srg}: of the same model by the other's map
            map                 as in `explain.view.message`
            randomised          [{layer, map, rank or null}, ...] while more and more weights are at random, or null
        words   [{text, tone}, ...]
    """
    rule, stops = comparison.rule, comparison.stops
    stop = min(reversed(stops), key=lambda known: abs(known.depth - depth))
    maps = [
        explanation.map(layer.address, rule)[np.newaxis]
        for (_, explanation), layer in zip(explained, stop.layers, strict=True)
    ]
    fast = [isinstance(model, Checkpoint) and not RULES[rule].probes for model in models]
    done, total = 0, 2 * PIECES + sum(fast)  # pieces

    def progress(share: int, of: int) -> None:
        tell((done + share / max(of, 1)) / total)

    classes = [words.texts.class_name(card.classes[int(known.targets[0])]) for card, known in explained]
    sides: list[dict[str, Any]] = []
    for place, (model, (_, explanation)) in enumerate(zip(models, explained, strict=True)):
        options = _options(model)
        own, *others = [
            maps[place],
            maps[1 - place],
            *baseline_maps(explanation.pictures, maps[place].shape[1:], DRAWS).values(),
        ]
        curves = []
        for heatmap in (own, *others):
            asked = (model, explanation.pictures, np.nan_to_num(heatmap), explanation.targets)
            curves.append(removal(*asked, fill=FILL, steps=STEPS, progress=progress, **options))
            done += 1
        sides.append(_side(classes[place], names[place], stop.layers[place].address, maps[place], curves))
    for place, (model, (_, explanation)) in enumerate(zip(models, explained, strict=True)):
        sides[place]["randomised"] = None
        if fast[place]:
            sides[place]["randomised"] = _drawn(model, explanation, rule, stop.layers[place].address, progress)
            done += 1
    for side in sides:
        stages = side["randomised"] or []
        for stage, layer in zip(stages, words.layer_names([stage["layer"] for stage in stages]), strict=True):
            stage["layer"] = layer
    told = [*(_words(side, words) for side in sides), _crossed(sides, words), *(_sane(side, words) for side in sides)]
    return {
        "kind": "faithfulness",
        "rule": rule,
        "depth": stop.depth,
        "shares": np.linspace(0, 1, STEPS + 1).tolist(),
        "models": sides,
        "words": [{"text": capital(text), "tone": tone} for text, tone in told if text],
    }


def _options(model: Model) -> dict[str, Any]:
    return {"preprocess": preprocessing(model.preprocess), "head": model.head} if isinstance(model, Checkpoint) else {}


def _side(target: str, name: str, layer: str, heatmap: np.ndarray, curves: Sequence[Curves]) -> dict[str, Any]:
    """What was measured of a model: by its own map, the other's, and the baselines."""
    own, cross, *baselines = curves
    most, least = (np.stack([getattr(each, way)[0] for each in baselines]) for way in ("most", "least"))
    return {
        "name": name,
        "target": target,
        "layer": layer,
        "most": own.most[0].tolist(),
        "least": own.least[0].tolist(),
        "band": {"most": _ends(most), "least": _ends(least)},
        "deletion": float(own.deletion[0]),
        "srg": float(own.srg[0]),
        "baselines": max(float(each.srg[0]) for each in baselines),
        "cross": {"most": cross.most[0].tolist(), "deletion": float(cross.deletion[0]), "srg": float(cross.srg[0])},
        "map": packed_map(heatmap[0]),
    }


def _ends(values: np.ndarray) -> list[list[float]]:
    return np.stack([values.min(0), values.max(0)], 1).tolist()


def _drawn(
    model: Checkpoint, explanation: Any, rule: str, layer: str, progress: Callable[[int, int], None]
) -> list[dict[str, Any]] | None:
    """The same map while more and more weights are drawn anew; None where the model cannot be copied."""
    options = {"preprocess": preprocessing(model.preprocess), "head": model.head, "progress": progress}
    try:
        made = randomised(model.model, explanation, rule, layer, STAGES, **options)
    except ModelError:
        return None
    return [
        {"layer": address, "map": packed_map(maps[0]), "rank": None if np.isnan(rank[0]) else float(rank[0])}
        for address, maps, rank in zip(made.addresses, made.maps, made.correlations, strict=True)
    ]


# --- in words ---------------------------------------------------------------------------------------------------------


def _words(side: dict[str, Any], words: Words) -> tuple[str, str]:
    facts = {"name": side["name"], "srg": number(side["srg"]), "baselines": number(side["baselines"])}
    if side["map"]["max"] == 0:
        return words.say("faithful_zero", **facts), "warn"
    if side["srg"] > side["baselines"]:
        return words.say("faithful_better", **facts), ""
    return words.say("faithful_no_better", **facts), "warn"


def _crossed(sides: Sequence[dict[str, Any]], words: Words) -> tuple[str, str]:
    """Whether each falls as fast by the other's map as by its own."""
    fast = [side["cross"]["deletion"] <= side["deletion"] + AS_FAST for side in sides]
    first, second = (side["name"] for side in sides)
    if all(fast):
        return words.say("cross_both", first=first, second=second), ""
    if not any(fast):
        return words.say("cross_neither", first=first, second=second), ""
    watched, other = (first, second) if fast[0] else (second, first)
    return words.say("cross_one", watched=watched, other=other), ""


def _sane(side: dict[str, Any], words: Words) -> tuple[str, str]:
    stages = side["randomised"]
    if not stages or stages[-1]["rank"] is None:
        return "", ""
    facts = {"name": side["name"], "rank": number(stages[-1]["rank"])}
    if stages[-1]["rank"] >= ALIKE:
        return words.say("random_alike", **facts), "warn"
    return words.say("random_other", **facts), ""
