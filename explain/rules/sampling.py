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
