"""The one message from which the browser draws everything: pure functions from what was computed to a JSON-able dict.

    kind        "result"
    ask         the request's number, as the browser gave it
    left, right, rule        what was asked: ids of checkpoints, name of the rule
    names       {left, right}: what sentences call the sides
    target      {asked: "predicted" or a class, name: the explained class, options: [class, ...], text}
    picture     {src: data URL (JPEG, longest side at most 1,024), width, height, notes: [sentence, ...]}
    saw         {"HxW": data URL (PNG)}: the squashed picture, by size of input
    sides       {left, right}, each
        title, detail, accuracy, accuracy_title, input: [h, w]
        bars    [{name, share: 0 to 1, text}, ...]: at most five classes, the same on both sides, likeliest first
        layers  [{address, name, shape: [h, w, channels], dead: share of channels or null, map, features}, ...]
            map         {size: [h, w], data: base64 of uint8 rows, max}: value = data / 255 x max; max 0: all zero
            features    {size: [h, w], data: base64 of uint8 channels x rows,
                         channels, importance, low, high: [k]} or null:
                        value = low + data / 255 x (high - low); at most 48 pixels a side
    stops       [{left, right: places in layers, depth, rank, overlap (null: undefined),
                  words: [{text, tone: "" or "warn"}, ...], **stars** around what stands out,
                  band: {rank, overlap: [p10, p50, p90]} or null,
                  difference: {size, data: base64 of int8 rows, limit} or null: value = data / 127 x limit, and what
                              is beyond the limit counts as the limit, the same one everywhere}, ...]
    yardstick   {legend, short, text}: what the band behind the curve is
    cost        {passes, milliseconds: from the request to this message, loading a model too if that had to be,
                 explain: in the two models}
    loaded      ids of the checkpoints that answer without being loaded

All numbers are finite. A result for 192 pixels takes about 600 kB, of which the picture is a quarter.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from explain.align import Comparison, Stop
from explain.cards import Card
from explain.explanation import Explanation, Features, Layer
from explain.pictures import Picture, fit, resize
from explain.view.words import Names, Words, sentences

LONGEST = 1024  # pixels of the shown picture's longer side
LONGEST_FEATURE = 48
BARS = 5
FULL = 3.0  # a difference in full colour, in heats of an even spread; the same for all depths and pictures


class Side(NamedTuple):
    """One model's part: its card and what it saw."""

    card: Card
    explanation: Explanation


def message(
    picture: Picture,
    left: Side,
    right: Side,
    comparison: Comparison,
    asked: str = "predicted",
    yardstick: Mapping[str, Any] | None = None,
    words: Words | None = None,
    rates: Sequence[float | None] = (),
    belongs: bool | None = None,
) -> dict[str, Any]:
    """Everything the browser needs for one picture and two models, in the form told at the top of this module.

    Args:
        picture: as it was read.
        left, right: card and explanation of each side, of this picture alone, for one class.
        comparison: of the two, by the rule to show.
        asked: the class asked for, or "predicted".
        yardstick: how far two seeds agree by this rule, None if that is not known: {"n": test pictures, "pairs": of
            seeds, "below": the share of depths at which a picture may lie below the band by luck, or None, "bands":
            [{"rank", "overlap": [p10, p50, p90]}, one a stop]}.
        words: sentences of a language; by default English.
        rates: of each model, what share, 0 to 1, of test pictures that it is about as sure of it is at least right for;
            None where that is not known.
        belongs: whether the picture shows one of the classes, None where that is not known. If it does not, nothing is
            told that was measured on pictures of these classes: no rates, no yardstick.

    `ask`, `milliseconds` and `loaded` are the server's to add.
    """
    words = words or Words()
    if belongs is False:
        rates, yardstick = (), None
    rule, classes = comparison.rule, left.explanation.classes
    target = classes[comparison.targets[0]]
    called = words.names(left.card.title, right.card.title)
    sides = {"left": side(left, right, rule, words), "right": side(right, left, rule, words)}
    bands = [None] * len(comparison.stops) if yardstick is None else yardstick["bands"]
    stops = [
        packed_stop(stop, places, band)
        for stop, places, band in zip(comparison.stops, _places(comparison, left, right), bands, strict=True)
    ]
    add_words(stops, sides, comparison, (left, right), asked, called, yardstick, words, rates, belongs)
    cost = [one.explanation.cost[rule] for one in (left, right)]
    return {
        "kind": "result",
        "left": left.card.model_id,
        "right": right.card.model_id,
        "rule": rule,
        "names": called._asdict(),
        "target": {
            "asked": asked,
            "name": target,
            "options": list(classes),
            "text": words.say("explained", name=target),
        },
        "picture": shown(picture, words),
        "saw": {_size(one.explanation): data_url(one.explanation.pictures[0], "PNG") for one in (left, right)},
        "sides": sides,
        "stops": stops,
        "yardstick": {
            "legend": words.say("legend_none" if yardstick is None else "legend_seeds"),
            "short": words.say("legend_none_short" if yardstick is None else "legend_seeds_short"),
            "text": _yardstick(yardstick, words, words.population([left.card, right.card]), belongs),
        },
        "cost": {
            "passes": sum(one.forward + one.backward for one in cost),
            "explain": sum(one.milliseconds for one in cost),
        },
    }


def shown(picture: Picture, words: Words) -> dict[str, Any]:
    """The picture as the browser shows it."""
    height, width = picture.pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return {
        "src": data_url(fit(picture.pixels, size), "JPEG", quality=86),
        "width": size[1],
        "height": size[0],
        "notes": [words.texts["notes"][note] for note in picture.notes],
    }


def side(own: Side, other: Side, rule: str, words: Words) -> dict[str, Any]:
    """One model: what it is, what it says, and its maps by one rule."""
    card, explanation = own
    text, title = words.accuracy(card)
    labels = words.layer_names([layer.address for layer in explanation.layers])
    return {
        "title": card.title,
        "detail": detail(card, words),
        "accuracy": text,
        "accuracy_title": title,
        "input": list(explanation.pictures.shape[1:3]),
        "bars": bars(explanation, other.explanation, words),
        "layers": [
            packed_layer(layer, label, explanation, rule)
            for layer, label in zip(explanation.layers, labels, strict=True)
        ],
    }


def detail(card: Card, words: Words) -> str:
    """Network, weights and input size in a line, as far as the card tells them."""
    parts = [] if card.network is None else [_network(card.network)]
    if card.parameters is not None:
        parts.append(words.say("weights", count=f"{card.parameters / 1e6:.1f}"))
    height, width = card.input_size
    return " · ".join([*parts, words.say("input", height=height, width=width)])


def bars(own: Explanation, other: Explanation, words: Words) -> list[dict[str, Any]]:
    """The likeliest classes by the mean of both models, so that both sides show the same rows."""
    shares = own.probabilities[0].astype(float)
    order = np.argsort(-(shares + other.probabilities[0]), kind="stable")[:BARS]
    rows = ((own.classes[k], float(shares[k])) for k in order)
    return [{"name": name, "share": share, "text": words.confidence(share)} for name, share in rows]


def packed_layer(layer: Layer, label: str, explanation: Explanation, rule: str) -> dict[str, Any]:
    """A layer's map and feature maps."""
    features = explanation.features.get(layer.address)
    return {
        "address": layer.address,
        "name": label,
        "shape": list(layer.shape),
        "map": packed_map(explanation.map(layer.address, rule)),
        "dead": None if features is None else float(features.dead[0]),
        "features": None if features is None else packed_features(features),
    }


def packed_map(map: np.ndarray) -> dict[str, Any]:
    """A map, float32 h x w, nowhere negative (what is, counts as zero), as 8 bits of its greatest value."""
    map = np.nan_to_num(np.maximum(map, 0), posinf=0).astype(np.float64)  # 255 / top may be beyond 32 bits
    top = float(map.max())
    levels = np.rint(map * (255 / top)) if top > 0 else np.zeros_like(map)
    return {"size": list(map.shape), "data": base64_of(levels.astype(np.uint8)), "max": top}


def packed_features(features: Features) -> dict[str, Any]:
    """The first picture's feature maps, each from its least to its greatest value, at most 48 pixels a side."""
    maps = np.nan_to_num(features.maps[0])
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
        "channels": features.channels[0].tolist(),
        "importance": np.nan_to_num(features.importance[0]).astype(float).tolist(),
        "low": low.astype(float).tolist(),
        "high": high.astype(float).tolist(),
    }


def packed_stop(stop: Stop, places: tuple[int, int], band: Mapping[str, Any] | None) -> dict[str, Any]:
    """A place of the scrubber, but for its words. `places`: of both layers among the layers of their sides."""
    packed, agreement = None, stop.versus[1]
    if agreement.difference is not None:
        levels = np.rint(np.clip(agreement.difference, -FULL, FULL) * (127 / FULL)).astype(np.int8)
        packed = {"size": list(levels.shape), "data": base64_of(levels), "limit": FULL}
    return {
        "left": places[0],
        "right": places[1],
        "depth": stop.depth,
        "rank": agreement.rank,
        "overlap": agreement.overlap,
        "band": band,
        "difference": packed,
    }


def add_words(
    stops: Sequence[dict[str, Any]],
    sides: dict[str, Any],
    comparison: Comparison,
    models: tuple[Side, Side],
    asked: str,
    called: Names,
    yardstick: Mapping[str, Any] | None,
    words: Words,
    rates: Sequence[float | None],
    belongs: bool | None,
) -> None:
    """Give each packed stop its words."""
    target = models[0].explanation.classes[comparison.targets[0]]
    cards, explanations = zip(*models, strict=True)
    population = words.population(cards)
    verdict = words.verdict(explanations, asked, target, called)
    verdict[0] = " ".join(filter(None, [verdict[0], words.rates(rates, called, population)]))
    names = [sides["left"]["layers"][stop["left"]]["name"] for stop in stops]
    agreement = words.agreement(comparison.stops, yardstick, names, population, belongs)
    for packed, stop, agree in zip(stops, comparison.stops, agreement, strict=True):
        layers = [sides[name]["layers"][packed[name]] for name in ("left", "right")]
        heat = words.heat(stop, called, target, [layer["map"]["max"] == 0 for layer in layers])
        dead = words.dead([layer["dead"] for layer in layers], called)
        packed["words"] = sentences(*verdict, heat, agree, warning=dead)


def data_url(pixels: np.ndarray, kind: str, **options: Any) -> str:
    """A picture, uint8 H x W x 3, as a data URL of that kind ("JPEG" or "PNG")."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def base64_of(values: np.ndarray) -> str:
    """The bytes of an array of 8-bit numbers, row by row."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _size(explanation: Explanation) -> str:
    return "x".join(map(str, explanation.pictures.shape[1:3]))


def _places(comparison: Comparison, left: Side, right: Side) -> Sequence[tuple[int, int]]:
    """Of each stop's layers among all layers of their sides."""
    order = [{layer.address: place for place, layer in enumerate(one.explanation.layers)} for one in (left, right)]
    return [tuple(order[k][layer.address] for k, layer in enumerate(stop.layers)) for stop in comparison.stops]


def _yardstick(yardstick: Mapping[str, Any] | None, words: Words, population: str, belongs: bool | None) -> str:
    if belongs is False:
        return words.say("no_yardstick_neither_title", population=population)
    if yardstick is None:
        return words.say("no_yardstick_title")
    facts = {"count": f"{yardstick['n']:,}", "pairs": yardstick["pairs"], "population": population}
    return words.say("yardstick", **facts) if yardstick["pairs"] == 1 else words.say("yardstick_wider", **facts)


def _network(name: str) -> str:
    known = {"efficientnet": "EfficientNet", "vgg16": "VGG16", "cnn": "CNN"}
    return "-".join(known.get(part, part.capitalize()) for part in name.split("-"))
