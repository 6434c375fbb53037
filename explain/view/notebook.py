"""Results in a notebook: pictures of one model's maps."""

from __future__ import annotations

import base64
import html
import io

import numpy as np

from explain.explanation import Explanation, drawable
from explain.overlay import tiles

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


def _png(pixels: np.ndarray) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
