"""How often a model is right when it is about this sure: measured on its test split, told with its uncertainty."""

import math

import numpy as np

NEAREST = 100  # test pictures, the nearest in confidence; more only where several are equally near
REACH = 0.1  # of confidence; what is farther off is not "about as sure"
FEWEST = 20  # test pictures, for a claim
Z = 1.959964  # of a 95 % interval


def right_at_least(confidences: np.ndarray, right: np.ndarray, confidence: float) -> float | None:
    """The share of test pictures about this confidence that a model is at least right for.

    The lower end of Wilson's 95 % interval (J. Am. Stat. Assoc. 22, 1927) of the share among the NEAREST test pictures.

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
    if n < FEWEST:
        return None
    share, room = float(np.asarray(right)[near].mean()), Z * Z / n
    half = Z * math.sqrt(share * (1 - share) / n + room / (4 * n))
    return max(0.0, (share + room / 2 - half) / (1 + room))


def right_at_most(confidences: np.ndarray, right: np.ndarray, confidence: float) -> float | None:
    """The share of test pictures about this confidence that a model is at most right for.

    The upper end of the interval whose lower end is `right_at_least`; arguments and None as there.
    """
    wrong = right_at_least(confidences, ~np.asarray(right, bool), confidence)
    return None if wrong is None else 1 - wrong
