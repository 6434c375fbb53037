"""Results in a notebook: pictures of one model's maps, and the view itself of a comparison."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from explain.align import Comparison
from explain.cards import Card
from explain.explanation import Explanation, Features, drawable
from explain.overlay import tiles
from explain.pictures import Picture
from explain.view.message import Explained, message

MOST = 3  # pictures of an explanation that are shown
COLUMNS = 6


def of_explanation(explanation: Explanation) -> str:
    """HTML of one model's maps: of the first pictures a row of tiles for every rule.

    Args:
        explanation: of n pictures.

    Returns:
        HTML that asks for nothing and runs no script.
    """
    parts = [f"<pre>{html.escape(repr(explanation))}</pre>"]
    for picture in range(min(MOST, len(explanation.pictures))):
        for rule in explanation.rules:
            addresses = [layer.address for layer in explanation.layers] if rule in explanation.maps else [None]
            drawn = [explanation.overlay(address, rule, picture) for address in addresses]
            labels = ["picture", *(address or "input" for address in addresses)]
            sheet = tiles([drawable(explanation.pictures[picture]), *drawn], COLUMNS, labels=labels)
            parts.append(f'<p>{html.escape(rule)}</p><img alt="{html.escape(rule)}" src="{_png(sheet)}">')
    return "".join(parts)


def of_comparison(comparison: Comparison) -> str:
    """HTML of a comparison: the page's own view in a frame of its own, which asks for nothing.

    Args:
        comparison: of 2 to 6 models.

    Returns:
        An `<iframe>` that holds the whole document.
    """
    from explain.view import document

    text = html.escape(document(message_of(comparison)), quote=True)
    return f'<iframe srcdoc="{text}" style="width: 100%; height: 780px; border: 0" sandbox="allow-scripts"></iframe>'


def message_of(
    comparison: Comparison, cards: Sequence[Card] | None = None, picture: Picture | None = None, asked: str = "own"
) -> dict[str, Any]:
    """The message of a comparison, as `explain.view.message.message` makes it.

    Args:
        comparison: of 2 to 6 models.
        cards: of the models; by default all that their explanations know.
        picture: as it was read; by default as the reference model sees it.
        asked: what was to be explained, see `message`.

    Returns:
        What `explain.view.document` takes.
    """
    alone = [_alone(each, comparison.picture, comparison.classes) for each in comparison.explanations]
    if cards is None:
        names = zip(comparison.model_ids, alone, strict=True)
        cards = [_card(name, explanation) for name, explanation in names]
    pixels = drawable(alone[comparison.reference].pictures[0])
    explained = [Explained(card, explanation) for card, explanation in zip(cards, alone, strict=True)]
    return message(picture or Picture(pixels), explained, comparison, asked)


def _card(name: str, explanation: Explanation) -> Card:
    title = f"Model {name}" if name.isdecimal() else name
    return Card(
        model_id=name,
        title=title,
        description=title,
        classes=explanation.classes or (),
        input_size=explanation.pictures.shape[1:3],
    )


def _alone(explanation: Explanation, picture: int, classes: tuple[str, ...] | None) -> Explanation:
    """One picture of an explanation, in colours, with a name for each class: its own, the common one, or a number."""

    def only(array: np.ndarray) -> np.ndarray:
        return array[picture : picture + 1]

    count = explanation.probabilities.shape[1]
    return replace(
        explanation,
        pictures=drawable(explanation.pictures[picture])[np.newaxis],
        probabilities=only(explanation.probabilities),
        scores=only(explanation.scores),
        targets=only(explanation.targets),
        classes=explanation.classes or classes or tuple(map(str, range(count))),
        maps={rule: {key: only(maps) for key, maps in layers.items()} for rule, layers in explanation.maps.items()},
        features={
            address: Features(*(only(getattr(features, name)) for name in Features.__dataclass_fields__))
            for address, features in explanation.features.items()
        },
        attributions={rule: only(values) for rule, values in explanation.attributions.items()},
        residuals={rule: only(values) for rule, values in explanation.residuals.items()},
    )


def _png(pixels: np.ndarray) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
