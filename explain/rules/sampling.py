"""Changed copies of pictures, for the rules that look at many."""

import numpy as np


def with_noise(batch: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Pictures with normal noise over them.

    Args:
        batch: float32 n x H x W x channels.
        noise: its standard deviation, as share of the range of each picture's values.
        random: where it comes from; the same for all pictures, so that none depends on its place in the batch.

    Returns:
        float32 of the batch's shape.
    """
    spread = np.ptp(batch, axis=(1, 2, 3), keepdims=True)
    return batch + np.float32(noise) * spread * random.standard_normal(batch.shape[1:], np.float32)


def windows(size: tuple[int, int], window: float, stride: float) -> list[tuple[slice, slice]]:
    """Windows that together cover a picture, its edges as often as its middle.

    The first and last of a row or column begin or end outside, and only what lies in the picture is left of them: else
    few windows would hold a corner, and what one of them hides would be told of all of it up to the corner.

    Args:
        size: (height, width) of the picture.
        window: their sides, as share of the picture's.
        stride: from one to the next, as share of the picture's sides.

    Returns:
        Rows and columns of each, from the top left.

    Raises:
        ValueError: for shares outside of 0 to 1, 0 not included.

    Example:
        >>> [(rows.start, rows.stop) for rows, columns in windows((4, 1), 0.5, 0.25)]
        [(0, 1), (0, 2), (1, 3), (2, 4), (3, 4)]
    """
    if not (0 < window <= 1 and 0 < stride <= 1):
        raise ValueError(
            f"window and stride are shares of the picture's sides, above 0 and at most 1, not {window}, {stride}."
        )

    def spans(side: int) -> list[slice]:
        long = max(1, round(window * side))
        step = min(max(1, round(stride * side)), long)
        before = (long - 1) // step * step
        return [slice(max(start, 0), min(start + long, side)) for start in range(-before, side, step)]

    return [(rows, columns) for rows in spans(size[0]) for columns in spans(size[1])]


def random_masks(count: int, size: tuple[int, int], cells: int, keep: float, random: np.random.Generator) -> np.ndarray:
    """Smooth random masks, as RISE draws them.

    Args:
        count: of the masks.
        size: (height, width).
        cells: of the grid that is drawn, a side.
        keep: probability of a cell.
        random: where they come from.

    Returns:
        float32 count x height x width, 0 to 1.
    """
    import cv2

    height, width = (-(-side // cells) for side in size)  # of a cell
    masks = np.empty((count, *size), np.float32)
    for mask in masks:
        grid = (random.random((cells + 1, cells + 1)) < keep).astype(np.float32)
        large = cv2.resize(grid, ((cells + 1) * width, (cells + 1) * height), interpolation=cv2.INTER_LINEAR)
        y, x = random.integers(0, height), random.integers(0, width)
        mask[:] = large[y : y + size[0], x : x + size[1]]
    return masks
