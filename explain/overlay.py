"""Maps drawn: colours, overlays, differences, tiles. Everything returned is uint8, RGB, height x width x 3.

The page draws in the browser; this is for notebooks and saved files.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explain.pictures import resize

_LABEL = 16  # height of a label's line, in pixels


def colours(values: np.ndarray, name: str = "viridis") -> np.ndarray:
    """Colours of values by one of Matplotlib's tables.

    Each value takes the colour at round(255 value) of 256.

    Args:
        values: h x w, 0 to 1; what lies outside is clipped.
        name: of the table.

    Returns:
        uint8 RGB, h x w x 3.

    Raises:
        ValueError: for a name that Matplotlib doesn't have, and for values that are not finite.

    Example:
        >>> colours(np.array([[0.0, 1.0]]), "gray").tolist()
        [[[0, 0, 0], [255, 255, 255]]]
    """
    return _table(name, 256)[np.rint(np.clip(_finite(values), 0, 1) * 255).astype(np.intp)]


def stretch(heatmap: np.ndarray) -> np.ndarray:
    """The map from its least value (0) to its greatest (1).

    One that is the same everywhere, but for float32's rounding, holds nothing to see and becomes zero everywhere.

    Args:
        heatmap: of any shape.

    Returns:
        float32 of that shape, 0 to 1.

    Raises:
        ValueError: for values that are not finite.

    Example:
        >>> stretch(np.array([[-1, 0, 3]])).tolist()
        [[0.0, 0.25, 1.0]]
    """
    values = _finite(heatmap).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        return np.zeros_like(values)
    return ((values.astype(np.float64) - low) / (high - low)).astype(np.float32)


def overlay(picture: np.ndarray, heatmap: np.ndarray, opacity: float = 0.5, name: str = "viridis") -> np.ndarray:
    """The picture with its map in colours over it: (1 - opacity) x picture + opacity x colour.

    A map that is constant or zero everywhere leaves the picture as it is.

    Args:
        picture: uint8 H x W x 3.
        heatmap: float h x w of any size; it is stretched, then resized (bilinearly where it grows).
        opacity: of the colours, 0 to 1.
        name: of a table of Matplotlib's colours.

    Returns:
        uint8 RGB of the picture's size.

    Raises:
        ValueError: for an opacity outside of 0 to 1, and for what `colours` refuses.

    Example:
        >>> black = np.zeros((1, 2, 3), np.uint8)
        >>> overlay(black, np.array([[0.0, 5.0]]), opacity=0.4, name="gray").tolist()
        [[[0, 0, 0], [102, 102, 102]]]
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is from 0 to 1, not {opacity}")
    stretched = stretch(heatmap)
    if not stretched.any():
        return picture.copy()
    heat = colours(resize(stretched, picture.shape[:2]), name)
    return np.rint((1 - opacity) * picture + opacity * heat).astype(np.uint8)


def difference(signed: np.ndarray, limit: float) -> np.ndarray:
    """A signed map in red (positive: more on the left) and blue (negative: more on the right), zero near white.

    The colours are those of Matplotlib's "RdBu".

    Args:
        signed: float h x w.
        limit: where full colour stands, here and beyond; maps drawn with one limit share one scale.

    Returns:
        uint8 RGB, h x w x 3.

    Raises:
        ValueError: unless `limit` is positive (0 will do for a map that is zero), and for values that are not finite.

    Example:
        >>> difference(np.array([[0.0, 2.0]]), limit=1.0).tolist()
        [[[247, 246, 246], [103, 0, 31]]]
    """
    signed = _finite(signed)
    if limit < 0 or (limit == 0 and signed.any()):
        raise ValueError(f"the limit of a difference is positive, not {limit}")
    share = np.clip(signed / (limit or 1), -1, 1)
    # 255 colours: zero has one of its own, and equal amounts of either sign lie equally far from it
    return _table("RdBu_r", 255)[np.rint((share + 1) * 127).astype(np.intp)]


def tiles(
    pictures: Sequence[np.ndarray], columns: int, gap: int = 2, labels: Sequence[str] | None = None
) -> np.ndarray:
    """Pictures in rows, on white.

    Each cell is as large as the largest picture; each picture lies at the top left of its own.

    Args:
        pictures: uint8 h x w x 3 each, of any sizes.
        columns: cells in a row.
        gap: white pixels between cells.
        labels: a line above each picture, shortened at its beginning where it is too long.

    Returns:
        uint8 RGB, height x width x 3.

    Raises:
        ValueError: without pictures, with fewer than one column, and where labels and pictures differ in number.

    Example:
        >>> tiles([np.zeros((4, 6, 3), np.uint8)] * 3, columns=2, gap=2).shape
        (10, 14, 3)
    """
    if not pictures or columns < 1:
        raise ValueError(f"tiles need pictures and columns, not {len(pictures)} and {columns}")
    if labels is not None and len(labels) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures need as many labels, not {len(labels)}")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    line = 0 if labels is None else _LABEL
    height = max(picture.shape[0] for picture in pictures) + line
    width = max(picture.shape[1] for picture in pictures)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top + line : top + line + picture.shape[0], left : left + picture.shape[1]] = picture
        if labels is not None:
            sheet[top : top + line, left : left + width] = _label(labels[index], width)
    return sheet


def _label(text: str, width: int) -> np.ndarray:
    font = ImageFont.load_default(11)
    if font.getlength(text) > width:
        while text and font.getlength("…" + text) > width:
            text = text[1:]
        text = "…" + text
    line = Image.new("RGB", (width, _LABEL), "white")
    ImageDraw.Draw(line).text((0, 1), text, fill=(40, 40, 40), font=font)
    return np.asarray(line)


@lru_cache(maxsize=32)
def _table(name: str, entries: int) -> np.ndarray:
    """uint8, entries x 3."""
    from matplotlib import colormaps  # not at the top: it takes a while, and the page draws without it

    if name not in colormaps:
        near = difflib.get_close_matches(name, colormaps, n=3)
        raise ValueError(f"no colours are named {name!r}" + (f"; near it: {', '.join(near)}" if near else ""))
    return np.rint(colormaps[name](np.linspace(0, 1, entries))[:, :3] * 255).astype(np.uint8)


def _finite(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if not np.isfinite(values).all():
        raise ValueError("a map holds values that are not finite")
    return values
