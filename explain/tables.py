"""Rows of numbers for a CSV file. Library, command line and page write the same columns.

`MAP_COLUMNS`, a row for each picture, rule and layer of one model (one for the input, of rules of level "input"):

    picture         name or number of the picture
    model           id of the model, empty where it has none
    rule            name of the rule
    layer           address of the layer, empty for the input
    depth           of the layer, 0 to 1
    height, width   of the map
    target          the explained class
    probability     of that class, 0 to 1
    says            the class that the model finds likeliest
    score           the explained logit
    maximum         the map's greatest value, raw
    concentration   1 where all heat is in one cell, to 0 where it is the same everywhere; empty where there is no heat

`COMPARISON_COLUMNS`, a row for each stop and each model:

    picture, rule   as above
    stop            1 for the first
    depth           of the stop, 0 to 1
    model, layer, height, width, target, says, maximum
                    as above, of this model's map at this stop
    share           probability of the class that it finds likeliest, 0 to 1
    reference       model that it is held against, empty for the reference itself; and so are the rest, and where the
                    two explain different classes
    rank            Spearman's rank correlation of both maps, -1 to 1
    overlap         of the hottest fifths, 0 to 1
    luck_low, luck_middle, luck_high
                    rank correlations of two trainings that differ in their seed alone: quantiles of 10, 50 and 90 %
                    over test pictures; empty where that was not measured

Numbers have six decimals, scores and maxima six digits; what is undefined is empty. A target is a class's name, or its
number where classes have no names, or empty where a function of the logits is explained. Lines end with CR and LF, as
RFC 4180 has it; cells that hold a comma, a quote or a line's end stand in quotes.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explain.measures import focus_entropy
from explain.saving import write_whole

if TYPE_CHECKING:
    import os

    from explain.align import Comparison
    from explain.explanation import Explanation

MAP_COLUMNS = (
    *("picture", "model", "rule", "layer", "depth", "height", "width"),
    *("target", "probability", "says", "score", "maximum", "concentration"),
)
COMPARISON_COLUMNS = (
    *("picture", "rule", "stop", "depth", "model", "layer", "height", "width"),
    *("target", "says", "share", "maximum"),
    *("reference", "rank", "overlap", "luck_low", "luck_middle", "luck_high"),
)

Row = dict[str, str]


def map_rows(explanation: Explanation, pictures: Sequence[str] | None = None) -> list[Row]:
    """Rows of `MAP_COLUMNS`.

    Args:
        explanation: of n pictures.
        pictures: their names; by default their places, from 0.

    Returns:
        Cells by column, in order of pictures, rules and layers.

    Raises:
        ValueError: for another number of names than of pictures.

    Example:
        >>> import numpy as np
        >>> from explain.explanation import Explanation, Layer
        >>> explanation = Explanation(
        ...     pictures=np.zeros((1, 8, 8, 3), np.uint8),
        ...     probabilities=np.array([[0.25, 0.75]], np.float32),
        ...     scores=np.array([1.5], np.float32),
        ...     targets=np.array([1]),
        ...     classes=("cat", "dog"),
        ...     layers=(Layer("conv", 1.0, (1, 2, 4)),),
        ...     maps={"gradcam": {"conv": np.array([[[0, 3]]], np.float32)}},
        ... )
        >>> ",".join(map_rows(explanation)[0].values())
        '0,,gradcam,conv,1.000000,1,2,dog,0.750000,dog,1.5,3,1.000000'
    """
    names = [str(place) for place in range(len(explanation.pictures))] if pictures is None else pictures
    if len(names) != len(explanation.pictures):
        raise ValueError(f"{len(explanation.pictures)} pictures need as many names, not {len(names)}.")
    model = explanation.origin.model_id if explanation.origin else ""
    rows = []
    for place, name in enumerate(names):
        target = int(explanation.targets[place])
        share = explanation.probabilities[place]
        common = {
            "target": _class(target, explanation.classes),
            "probability": _decimal(share[target] if target >= 0 else None),
            "says": _class(int(explanation.answers[place]), explanation.classes),
            "score": _digits(explanation.scores[place]),
        }
        for rule in explanation.rules:
            layers = explanation.layers if rule in explanation.maps else (None,)
            for layer in layers:
                heatmap = explanation.map(layer.address if layer else None, rule, place)
                entropy = focus_entropy(heatmap)
                cells = {
                    "picture": name,
                    "model": model,
                    "rule": rule,
                    "layer": layer.address if layer else "",
                    "depth": _decimal(layer.depth if layer else None),
                    "height": str(heatmap.shape[0]),
                    "width": str(heatmap.shape[1]),
                    **common,
                    "maximum": _digits(heatmap.max()),
                    "concentration": _decimal(None if entropy is None else 1 - entropy),
                }
                rows.append(cells)
    return rows


def comparison_rows(
    comparison: Comparison,
    models: Sequence[str] | None = None,
    picture: str = "",
    yardsticks: Sequence[Mapping[str, Any] | None] | None = None,
) -> list[Row]:
    """Rows of `COMPARISON_COLUMNS`.

    Args:
        comparison: of 2 to 6 models.
        models: their ids; by default those of the checkpoints that they come from, else their places, from 0.
        picture: its name; by default its place in the explanations.
        yardsticks: for each model how far two seeds agree, see `explain.view.message.message`.

    Returns:
        Cells by column, in order of stops and models.
    """
    ids = comparison.model_ids if models is None else models
    place_of = picture or str(comparison.picture)
    known = yardsticks or [None] * len(ids)
    shares = [explanation.probabilities[comparison.picture] for explanation in comparison.explanations]
    says = [int(explanation.answers[comparison.picture]) for explanation in comparison.explanations]
    classes = [comparison.classes or explanation.classes for explanation in comparison.explanations]
    rows = []
    for number, stop in enumerate(comparison.stops):
        for place, (layer, target) in enumerate(zip(stop.layers, comparison.targets, strict=True)):
            agreement, yardstick = stop.versus[place], known[place]
            told = agreement if comparison.alike[place] else None
            band = yardstick["bands"][number] if yardstick and told else None
            heatmap = comparison.explanations[place].map(layer.address, comparison.rule, comparison.picture)
            cells = (
                *(place_of, comparison.rule, str(number + 1), _decimal(stop.depth)),
                *(ids[place], layer.address, *map(str, heatmap.shape), _class(target, classes[place])),
                *(_class(says[place], classes[place]), _decimal(shares[place].max())),
                _digits(heatmap.max()),
                *(ids[comparison.reference] if told else "", _decimal(told and told.rank)),
                *(_decimal(told and told.overlap), *map(_decimal, band["rank"] if band else (None,) * 3)),
            )
            rows.append(dict(zip(COMPARISON_COLUMNS, cells, strict=True)))
    return rows


def to_csv(rows: Iterable[Mapping[str, str]], columns: Sequence[str]) -> Iterator[str]:
    """The lines of a CSV file, with the columns' names in the first.

    Args:
        rows: as the functions above give them.
        columns: `MAP_COLUMNS` or `COMPARISON_COLUMNS`.

    Example:
        >>> "".join(to_csv([{"rule": "gradcam", "layer": "a, b"}], ("rule", "layer")))
        'rule,layer\\r\\ngradcam,"a, b"\\r\\n'
    """
    for cells in itertools.chain([columns], ([row[column] for column in columns] for row in rows)):
        text = io.StringIO(newline="")
        csv.writer(text).writerow(cells)
        yield text.getvalue()


def write_csv(path: str | os.PathLike[str], rows: Iterable[Mapping[str, str]], columns: Sequence[str]) -> None:
    """Write rows into a CSV file, UTF-8, which is there whole or not at all.

    Args:
        path: of the file.
        rows: see `to_csv`.
        columns: see `to_csv`.
    """
    write_whole(Path(path), to_csv(rows, columns))


def _class(target: int, classes: Sequence[str] | None) -> str:
    if target < 0:
        return ""
    return classes[target] if classes else str(target)


def _decimal(value: Any) -> str:
    return "" if value is None or value != value else f"{float(value):.6f}"


def _digits(value: Any) -> str:
    return f"{float(value):.6g}"
