"""How often a model is right when it is about this sure: measured on its test split, told with its uncertainty."""

import numpy as np

from explain.measures import wilson

NEAREST = 100  # test pictures, the nearest in confidence; more only where several are equally near
REACH = 0.1  # of confidence; what is farther off is not "about as sure"
FEWEST = 20  # test pictures, for a claim


def right_at_least(confidences: np.ndarray, right: np.ndarray, confidence: float) -> float | None:
    """The share of test pictures about this confidence that a model is at least right for.

    The lower end of Wilson's 95 % interval of the share among the NEAREST test pictures.

    Args:
        confidences: float n, the predicted class's probability on each test picture, 0 to 1.
        right: bool n, whether that class was the true one.
        confidence: the predicted class's probability on a picture.

    Returns:
        A share, 0 to 1; None where fewer than FEWEST test pictures lie within REACH.
    """
    distances = np.abs(np.asarray(confidences, float) - confidence)
    farthest = np.sort(distances)[:NEAREST][-1:]
    near = distances <= min([REACH, *farthest])
    n = int(near.sum())
    return wilson(int(np.asarray(right)[near].sum()), n)[0] if n >= FEWEST else None
