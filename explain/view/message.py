"""The one message from which the browser draws everything: pure functions from what was computed to a JSON-able dict.

    kind        "result"
    ask         the request's number, as the browser gave it
    rule        name of the rule that was asked for
    level       "layer", or "input" of a rule that gives one map of the input: then the maps of the layers are null, and
                 what the first stop holds of all models against the reference is so at every stop
    target      {asked: "own", "common", "finer", "contrast" or a class, options: [class, ...] that can be asked of all,
                 common: the class with the highest mean probability (null: they tell different classes apart), text:
                 what is explained, in words}
    contrast    {size, data: base64 of int8 rows, limit}: of two models that disagree what sets them apart, asked for by
                 "contrast"; value = data / 127 x limit, in even spreads of all that adds to it; else null
    picture     {src: data URL (JPEG, longest side at most 1,024; PNG of a small one), width, height,
                 small: whether it is shown pixel by pixel, notes: [sentence, ...]}
    saw         {"HxW": data URL (PNG)}: the squashed picture, by size of input
    models      [{...}, ...]: 2 to 6, each
        id, title, detail, accuracy, accuracy_short, accuracy_title, input: [h, w]
        name    what sentences call it
        target  the explained class
        alike   whether it is the class that the reference's map explains
        classes how many it tells apart
        says    the class that it finds likeliest
        evidence    {text, tone}: what its map is evidence for, in words; the tone is "warn" where the model itself says
                    another class, or another than the reference's answer is explained, else empty
        bars    [{name, share: 0 to 1, text, right: whether it is the right class}, ...]: of up to five classes all, in
                 one order for all models; of more the model's own five likeliest, likeliest first
        truth   {tone: "first", "among" (the five) or "absent", text}: where the right class stands among its five; null
                 where that is not known, and of few classes
        attribution     the map of the input, in the form of `map`; null of a rule that gives a map of every layer
        layers  [{address, name, shape: [h, w, channels], dead: share of channels or null, map, features}, ...]
            map         {size: [h, w], data: base64 of uint8 rows, max}: value = data / 255 x max; max 0: all zero
            features    {size: [h, w], data: base64 of uint8 channels x rows, count,
                         channels, importance, low, high: [k]} or null:
                        value = low + data / 255 x (high - low); at most 48 pixels a side. The first `count` are its own
                        most important, most important first; behind them are those of `twins` that are not among them
        yardstick   {luck, text}: what the bands behind its agreement are, in the curve (empty: there are none) and
                    closely; null for the reference
    reference   place of the model that the others are held against
    stops       [{layers: [place in each model's layers], depth, versus, words}, ...]
        versus  [{...}, ...]: each model against the reference; null for the reference; null but at the first stop,
                 where the level is "input"
            rank, overlap   null: undefined
            band            {rank, overlap: [p10, p50, p90]} or null
            difference      {size, data: base64 of int8 rows, limit} or null (also where the two explain different
                            classes, whose rank and overlap tell little): the reference's heat less the model's;
                            value = data / 127 x limit, a round number that fits the stop; what is beyond counts as it
        twins   {channels, alike: [k], all: [of every channel], typical} or null: of two networks that began with the
                same weights the channels that matter most to both together, and the correlation of each channel's two
                maps (null: it is silent in one of them), and the median of all
        words   [{text, tone: "" or "warn"}, ...], **stars** around what stands out
        channels    the same, of the feature maps
    cost        {passes, milliseconds: from the request to this message, loading a model too if that had to be,
                 explain: in the models}
    loaded      ids of the checkpoints that answer at once: loaded and traced

All numbers are finite. Two models of 192 pixels take about 800 kB, of which the picture is a fifth.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from explain.agreement import Agreement, channel_correlations
from explain.align import Comparison, common_target, shared_classes
from explain.cards import Card
from explain.explanation import Explanation, Features, Layer
from explain.pictures import Picture, fit, resize
from explain.view.words import Words, sentences

LONGEST = 1024  # pixels of the shown picture's longer side
SMALL = 64  # pixels of a picture's longer side, up to which it is shown pixel by pixel
LONGEST_FEATURE = 48
CELLS = 12  # a side, of what sets two models apart: single pixels are noise
TILES = 16  # feature maps of a layer that are shown at once
BARS = 5
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # of a difference in full colour, in heats of an even spread
WITHIN = 0.98  # share of a difference's places that lie within its scale


class Explained(NamedTuple):
    """A model's card and what it saw."""

    card: Card
    explanation: Explanation


def message(
    picture: Picture,
    explained: Sequence[Explained],
    comparison: Comparison,
    asked: str = "own",
    yardsticks: Sequence[Mapping[str, Any] | None] | None = None,
    words: Words | None = None,
    rates: Sequence[float | None] = (),
    belongs: bool | None = None,
    ceilings: Sequence[float | None] = (),
    truth: str | None = None,
    difference: np.ndarray | None = None,
) -> dict[str, Any]:
    """Everything the browser needs for one picture and 2 to 6 models, in the form told at the top of this module.

    Args:
        picture: as it was read.
        explained: the models, each with its explanation of this picture alone.
        comparison: of these, by the rule to show.
        asked: what was to be explained: "own" (of each model its own answer), "common" (the class with the highest mean
            probability), a class, "finer" (each own answer and not the classes nearest to it) or "contrast" (of
            two that disagree each own answer and not the other's).
        yardsticks: for each model how far two seeds agree by this rule, None where that is not known and for the
            reference: {"n": test pictures, "pairs": of seeds, "below": the share of depths at which a picture may lie
            below the band by luck, or None, "bands": [{"rank", "overlap": [p10, p50, p90]}, one a stop]}.
        words: sentences of a language; by default English.
        rates: of each model, what share, 0 to 1, of test pictures that it is about as sure of it is at least right for;
            None where that is not known.
        belongs: whether the picture shows one of the classes, None where that is not known. If it does not, nothing is
            told that was measured on pictures of these classes: no rates, no yardstick.
        ceilings: as `rates`, what share it is at most right for.
        truth: the class that the picture shows; None where that is not known, and where it is none of the classes.
        difference: of "contrast", see `explain.contrast.Contrast`: of this picture, H x W.

    `ask`, `milliseconds` and `loaded` are the server's to add.
    """
    words = words or Words()
    rule, reference, same = comparison.rule, comparison.reference, comparison.same_classes
    known = [words.class_names(explained[0 if same else place].explanation) for place in range(len(explained))]
    if not same:  # what was measured of each was measured on other pictures
        rates, ceilings, yardsticks, belongs = (), (), [None] * len(explained), None
    truth = truth and words.texts.class_name(truth)
    yardsticks = [None] * len(explained) if yardsticks is None else yardsticks
    outside = [belongs is False and yardstick is not None for yardstick in yardsticks]
    if belongs is False:
        rates, ceilings, yardsticks = (), (), [None] * len(explained)
    rates = rates or [None] * len(explained)
    ceilings = ceilings or [None] * len(explained)
    names = words.names(*(card.title for card, _ in explained))
    population = words.population([card for card, _ in explained])
    explanations = [explanation for _, explanation in explained]
    answers = [int(explanation.answers[0]) for explanation in explanations]
    pairs = common_channels(explained)
    apart = len(explained) == 2 and not comparison.same_target
    still = rule in explanations[0].attributions
    named = [classes[target] for classes, target in zip(known, comparison.targets, strict=True)]
    others = named[::-1]  # of two the other's
    models = [
        {
            "id": card.model_id,
            "title": card.title,
            "name": name,
            "target": classes[target],
            "alike": alike,
            "classes": len(classes),
            "says": classes[said],
            "evidence": evidence(classes[target], classes[said], alike, apart, words, asked, rather),
            **packed_model(card, explanation, rule, words, [channels for channels, _ in pairs]),
            "bars": bars(explanation, explanations if same else [explanation], words, truth),
            "truth": place_of(truth, explanation, words) if _many(classes) else None,
            "yardstick": legend(yardstick, words, population, beyond, alike),
        }
        for (card, explanation), name, classes, target, alike, said, yardstick, beyond, rather in zip(
            explained,
            names,
            known,
            comparison.targets,
            comparison.alike,
            answers,
            yardsticks,
            outside,
            others,
            strict=True,
        )
    ]
    models[reference]["yardstick"] = None
    places = _places(comparison, explained)
    stops = [
        {
            "layers": places[index],
            "depth": stop.depth,
            "versus": None
            if still and index
            else [
                agreement and packed_agreement(agreement, yardstick and yardstick["bands"][index])
                for agreement, yardstick in zip(stop.versus, yardsticks, strict=True)
            ],
            "twins": pairs[places[index][0]][1] if pairs else None,
            "words": [],
            "channels": [],
        }
        for index, stop in enumerate(comparison.stops)
    ]
    told = [words.reliance(explanations, names, population, rates, ceilings)]
    if belongs is False:
        told.append(words.outside(known[0]))
    told.append(words.incomplete(explanations, names, rule))
    if len(models) == 2:
        nothing = difference is not None and not difference.any()
        add_words(stops, models, comparison, explained, asked, yardsticks, words, told, outside, nothing)
    else:
        add_row_words(stops, models, comparison, explained, words, told)
    costs = [explanation.cost[rule] for explanation in explanations]
    return {
        "kind": "result",
        "rule": rule,
        "level": "input" if still else "layer",
        "target": {
            "asked": words.texts.class_name(asked),
            "options": list(shared_classes(*known)),
            "common": known[0][common_target(*(explanation.probabilities[0] for explanation in explanations))]
            if same
            else None,
            "text": _explained(asked, models[0]["target"], comparison.same_target, words),
        },
        "contrast": None if difference is None else packed_contrast(difference),
        "picture": shown(picture, words),
        "saw": {_size(explanation): data_url(explanation.pictures[0], "PNG") for explanation in explanations},
        "models": models,
        "reference": reference,
        "stops": stops,
        "cost": {
            "passes": sum(cost.forward + cost.backward for cost in costs),
            "explain": sum(cost.milliseconds for cost in costs),
        },
    }


def _explained(asked: str, target: str, same: bool, words: Words) -> str:
    """What is explained, in words."""
    if asked == "contrast":
        return words.say("explained_contrast")
    if asked == "finer":
        return words.say("explained_finer")
    return words.say("explained", name=target) if same else words.say("explained_own")


def packed_contrast(difference: np.ndarray) -> dict[str, Any]:
    """What sets two models apart, float H x W, as sums over cells, in 8 bits with a sign."""
    import cv2

    size = [min(CELLS, side) for side in difference.shape]
    values = np.nan_to_num(cv2.resize(difference.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA))
    even = float(np.abs(values).mean())
    values = values / even if even > 0 else values
    limit = scale_of(values)
    levels = np.rint(np.clip(values, -limit, limit) * (127 / limit)).astype(np.int8)
    return {"size": size, "data": base64_of(levels), "limit": limit}


def shown(picture: Picture, words: Words) -> dict[str, Any]:
    """The picture as the browser shows it."""
    height, width = picture.pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    small = max(height, width) <= SMALL
    pixels = fit(picture.pixels, size)
    return {
        "src": data_url(pixels, "PNG") if small else data_url(pixels, "JPEG", quality=86),
        "width": size[1],
        "height": size[0],
        "small": small,
        "notes": [words.texts["notes"][note] for note in picture.notes],
    }


def evidence(
    target: str, says: str, like_reference: bool, apart: bool, words: Words, asked: str = "own", rather: str = ""
) -> dict[str, str]:
    """What a map is evidence for, as it stands on the picture.

    Args:
        target: the class that is explained.
        says: the one that the model finds likeliest.
        like_reference: whether the reference's map explains the same class.
        apart: whether these are two models, and the other's map explains another class.
        words: sentences of a language.
        asked: see `message`.
        rather: of "contrast", the class that it is not.
    """
    names = {"name": target.lower(), "says": says.lower()}
    if asked == "contrast":
        return {"text": words.say("evidence_contrast", rather=rather.lower(), **names), "tone": ""}
    if asked == "finer":
        return {"text": words.say("evidence_finer", **names), "tone": "" if like_reference else "warn"}
    if target != says:
        return {"text": words.say("evidence_other", **names), "tone": "warn"}
    key = "evidence_own" if apart else "evidence_for"
    return {"text": words.say(key, **names), "tone": "" if like_reference else "warn"}


def packed_model(
    card: Card, explanation: Explanation, rule: str, words: Words, common: Sequence[Sequence[int]] = ()
) -> dict[str, Any]:
    """What a model is, and its maps by one rule; `common`: of each layer the channels that a twin shows, too."""
    text, title = words.accuracy(card)
    share = card.test.accuracy
    labels = words.layer_names([layer.address for layer in explanation.layers])
    return {
        "detail": detail(card, words),
        "accuracy": text
        if share is None
        else words.say("accuracy_card", value=f"{100 * share:.1f}", population=words.population_short([card])),
        "accuracy_short": text if share is None else words.say("accuracy_short", value=f"{100 * share:.1f}"),
        "accuracy_title": " ".join(filter(None, [title, card.title + ":", detail(card, words) + "."])),
        "input": list(explanation.pictures.shape[1:3]),
        "attribution": packed_map(explanation.map(None, rule)) if rule in explanation.attributions else None,
        "layers": [
            packed_layer(layer, label, explanation, rule, channels)
            for layer, label, channels in zip(explanation.layers, labels, common or [()] * len(labels), strict=True)
        ],
    }


def detail(card: Card, words: Words) -> str:
    """Network, weights and input size in a line, as far as the card tells them."""
    parts = [] if card.network is None else [_network(card.network)]
    if card.parameters is not None:
        parts.append(words.say("weights", count=f"{card.parameters / 1e6:.1f}"))
    height, width = card.input_size
    return " · ".join([*parts, words.say("input", height=height, width=width)])


def bars(
    explanation: Explanation, explanations: Sequence[Explanation], words: Words, truth: str | None = None
) -> list[dict[str, Any]]:
    """Few classes in the order of the mean of all models, so that each shows the same rows; of many its own likeliest.

    `truth`: the right class, if it is known.
    """
    names = words.class_names(explanation)
    ranked = [explanation] if _many(names) else explanations
    order = likeliest_first(ranked)
    shares = ((names[k], float(explanation.probabilities[0, k])) for k in order)
    return [
        {"name": name, "share": share, "text": words.confidence(share), "right": name == truth}
        for name, share in shares
    ]


def likeliest_first(explanations: Sequence[Explanation]) -> list[int]:
    """The likeliest classes by the mean of models, `BARS` at most; of equal ones first what the first model says."""
    mean = np.sum([each.probabilities[0].astype(float) for each in explanations], 0)
    said = np.arange(len(mean)) == explanations[0].answers[0]
    return np.lexsort((~said, -mean))[:BARS].tolist()


def place_of(truth: str | None, explanation: Explanation, words: Words) -> dict[str, str] | None:
    """Where the right class stands among a model's likeliest ones; None where it is not known, or none of its own."""
    if truth is None or truth not in words.class_names(explanation):
        return None
    order = likeliest_first([explanation])
    likeliest = [words.class_names(explanation)[k] for k in order]
    if truth not in likeliest:
        return {"tone": "absent", "text": words.say("truth_absent", name=truth)}
    place = likeliest.index(truth) + 1
    if place == 1:
        return {"tone": "first", "text": words.say("truth_first", name=truth)}
    return {"tone": "among", "text": words.say("truth_among", name=truth, place=place)}


def packed_layer(
    layer: Layer, label: str, explanation: Explanation, rule: str, common: Sequence[int] = ()
) -> dict[str, Any]:
    """A layer's map and feature maps; `common`: channels that are shown whether they are important or not."""
    features = explanation.features.get(layer.address)
    return {
        "address": layer.address,
        "name": label,
        "shape": list(layer.shape),
        "map": None if rule in explanation.attributions else packed_map(explanation.map(layer.address, rule)),
        "dead": None if features is None else float(features.dead[0]),
        "features": None if features is None else packed_features(features, common),
    }


def packed_map(heatmap: np.ndarray) -> dict[str, Any]:
    """A map, float32 h x w, nowhere negative (what is, counts as zero), as 8 bits of its greatest value."""
    heat = np.nan_to_num(np.maximum(heatmap, 0), posinf=0).astype(np.float64)  # 255 / top may be beyond 32 bits
    top = float(heat.max())
    levels = np.rint(heat * (255 / top)) if top > 0 else np.zeros_like(heat)
    return {"size": list(heat.shape), "data": base64_of(levels.astype(np.uint8)), "max": top}


def packed_features(features: Features, common: Sequence[int] = ()) -> dict[str, Any]:
    """The first picture's feature maps, each from its least to its greatest value, at most 48 pixels a side.

    Args:
        features: kept channels, most important first; `TILES` of them are taken.
        common: channels that are taken, too.
    """
    known = features.channels[0].tolist()
    count = min(TILES, len(known))
    taken = [*range(count), *(known.index(channel) for channel in common if channel not in known[:count])]
    maps = np.nan_to_num(features.maps[0][..., taken])
    height, width = maps.shape[:2]
    scale = min(1.0, LONGEST_FEATURE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    channels = np.stack([resize(np.ascontiguousarray(maps[..., k]), size) for k in range(maps.shape[2])])
    low, high = channels.min((1, 2)), channels.max((1, 2))
    span = np.where(high > low, high - low, 1)[:, None, None]
    levels = np.rint(255 * (channels - low[:, None, None]) / span).astype(np.uint8)
    return {
        "size": list(size),
        "data": base64_of(levels),
        "count": count,
        "channels": [known[place] for place in taken],
        "importance": np.nan_to_num(features.importance[0][taken]).astype(float).tolist(),
        "low": low.astype(float).tolist(),
        "high": high.astype(float).tolist(),
    }


def twins(explained: Sequence[Explained]) -> bool:
    """Whether these are two networks of one kind that began with the same weights, so that channel means channel.

    Of weights drawn at random that is not known, whatever the seed.
    """
    if len(explained) != 2:
        return False
    began = [(card.network, card.pretrained, card.initial_weights) for card, _ in explained]
    first, second = (explanation for _, explanation in explained)
    return None not in began[0] and began[0] == began[1] and first.layers == second.layers and bool(first.features)


def common_channels(explained: Sequence[Explained]) -> list[tuple[list[int], dict[str, Any]]]:
    """Of twins, for each layer: the channels that matter most to both together, and how alike all are; else nothing."""
    if not twins(explained):
        return []
    first, second = (explanation for _, explanation in explained)
    return [_common(first.features[layer.address], second.features[layer.address]) for layer in first.layers]


def _common(*sides: Features) -> tuple[list[int], dict[str, Any]]:
    shared = sorted(set.intersection(*({*side.channels[0].tolist()} for side in sides)))
    weights, maps, live = [], [], np.ones(len(shared), bool)
    for side in sides:
        places = np.argsort(side.channels[0])[np.searchsorted(np.sort(side.channels[0]), shared)]
        importance = np.nan_to_num(side.importance[0][places]).astype(float)
        weights.append(importance / (importance.max(initial=0) or 1))
        maps.append(np.nan_to_num(side.maps[0][..., places]))
        live &= side.live[0][places]
    correlations = channel_correlations(*maps)
    correlations[~live] = np.nan
    order = np.argsort(-(weights[0] + weights[1]), kind="stable")[:TILES]
    known = correlations[np.isfinite(correlations)]
    told = [None if np.isnan(value) else round(float(value), 4) for value in correlations]
    channels = [shared[place] for place in order]
    typical = float(np.median(known)) if len(known) else None
    alike = [told[place] for place in order]
    return channels, {"channels": channels, "alike": alike, "all": told, "typical": typical}


def packed_agreement(agreement: Agreement, band: Mapping[str, Any] | None) -> dict[str, Any]:
    """How far a model agrees with the reference at a stop, and how far two seeds do there."""
    packed = None
    if agreement.difference is not None:
        limit = scale_of(agreement.difference)
        levels = np.rint(np.clip(agreement.difference, -limit, limit) * (127 / limit)).astype(np.int8)
        packed = {"size": list(levels.shape), "data": base64_of(levels), "limit": limit}
    return {"rank": agreement.rank, "overlap": agreement.overlap, "band": band, "difference": packed}


def scale_of(difference: np.ndarray) -> float:
    """The round number at which a difference has its full colour: nearly all of it lies within, and what is all but
    equal looks so."""
    most = float(np.quantile(np.abs(difference), WITHIN))
    return next((scale for scale in SCALES if scale >= most), SCALES[-1])


def legend(
    yardstick: Mapping[str, Any] | None,
    words: Words,
    population: str,
    outside: bool = False,
    same_target: bool = True,
) -> dict[str, str]:
    """What the bands behind an agreement are: what stands in the curve, and closely.

    `population`: what they were measured on. `outside`: whether there is a yardstick, but this picture is none of those
    that it was measured on.
    """
    if not same_target:
        return {"luck": "", "text": words.say("apart_title")}
    if yardstick is None:
        key = "no_yardstick_neither_title" if outside else "no_yardstick_title"
        return {"luck": "", "text": words.say(key, population=population)}
    key = "yardstick" if yardstick["pairs"] == 1 else "yardstick_wider"
    text = words.say(key, count=f"{yardstick['n']:,}", pairs=yardstick["pairs"], population=population)
    return {"luck": words.say("legend_luck"), "text": text}


def add_words(
    stops: Sequence[dict[str, Any]],
    models: Sequence[dict[str, Any]],
    comparison: Comparison,
    explained: Sequence[Explained],
    asked: str,
    yardsticks: Sequence[Mapping[str, Any] | None],
    words: Words,
    told: Sequence[str],
    outside: Sequence[bool],
    nothing: bool = False,
) -> None:
    """Give each packed stop of two models its words.

    `told`: what is said behind who says what. `nothing`: of "contrast", whether nothing in the picture sets them apart.
    """
    names, targets = [model["name"] for model in models], [model["target"] for model in models]
    cards, explanations = zip(*explained, strict=True)
    population = words.population(cards) if outside[1 - comparison.reference] else words.population_short(cards)
    verdict = words.verdict(explanations, asked, targets, names, comparison.same_classes)
    verdict[0] = " ".join(filter(None, [verdict[0], *told]))
    if asked == "contrast":
        classes = len(words.class_names(explanations[0]))
        verdict[1:] = words.contrast(names, [target.lower() for target in targets], classes, nothing)
    elif asked == "finer":
        verdict[1:] = [words.say("finer")]
    other = 1 - comparison.reference
    ranks = comparison.ranks(other) if comparison.same_target else [None] * len(stops)
    labels = [models[0]["layers"][stop["layers"][0]]["name"] for stop in stops]
    still = models[0]["attribution"] is not None
    agreement = words.agreement(ranks, yardsticks[other], labels, population, outside[other])
    same_model = cards[0].model_id == cards[1].model_id
    for packed, stop, agree in zip(stops, comparison.stops, agreement, strict=True):
        layers = [model["layers"][place] for model, place in zip(models, packed["layers"], strict=True)]
        maps = [model["attribution"] or layer["map"] for model, layer in zip(models, layers, strict=True)]
        zero = [heatmap["max"] == 0 for heatmap in maps]
        heat = words.heat(stop, names, targets, zero, comparison.same_target, still)
        held = [words.say("same_model")] if same_model else [heat, agree]
        packed["words"] = sentences(*verdict, *held)
        silent = words.silent([layer["dead"] for layer in layers], names)
        packed["channels"] = sentences(
            *words.channels(packed["twins"], [layer["features"] for layer in layers]), silent
        )


def add_row_words(
    stops: Sequence[dict[str, Any]],
    models: Sequence[dict[str, Any]],
    comparison: Comparison,
    explained: Sequence[Explained],
    words: Words,
    told: Sequence[str],
) -> None:
    """Give each packed stop of more than two models its words; `told` as in `add_words`."""
    names, reference = [model["name"] for model in models], comparison.reference
    same, alike = comparison.same_classes, comparison.alike
    answers = words.answers([explanation for _, explanation in explained], names, same)
    classes = "" if all(alike) else words.say("own_row" if same else "own_row_apart", reference=names[reference])
    for packed, stop in zip(stops, comparison.stops, strict=True):
        ranks = {
            names[place]: agreement.rank
            for place, agreement in enumerate(stop.versus)
            if agreement is not None and agreement.rank is not None and alike[place]
        }
        packed["words"] = sentences(answers, *told, classes, words.closest(ranks, names[reference]))
        features = [model["layers"][place]["features"] for model, place in zip(models, packed["layers"], strict=True)]
        packed["channels"] = sentences(*words.channels(None, features))


def data_url(pixels: np.ndarray, kind: str, **options: Any) -> str:
    """A picture, uint8 H x W x 3, as a data URL of that kind ("JPEG" or "PNG")."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def base64_of(values: np.ndarray) -> str:
    """The bytes of an array of 8-bit numbers, row by row."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _many(classes: Sequence[str]) -> bool:
    """Whether there are more classes than bars."""
    return len(classes) > BARS


def _size(explanation: Explanation) -> str:
    return "x".join(map(str, explanation.pictures.shape[1:3]))


def _places(comparison: Comparison, explained: Sequence[Explained]) -> list[list[int]]:
    """Of each stop's layers among all layers of their models."""
    order = [{layer.address: place for place, layer in enumerate(explanation.layers)} for _, explanation in explained]
    return [
        [places[layer.address] for places, layer in zip(order, stop.layers, strict=True)] for stop in comparison.stops
    ]


def _network(name: str) -> str:
    known = {"efficientnet": "EfficientNet", "vgg16": "VGG16", "cnn": "CNN"}
    return "-".join(known.get(part, part.capitalize()) for part in name.split("-"))
