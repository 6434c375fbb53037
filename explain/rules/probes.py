"""Rules of many passes: what the model says of changed pictures, or with a changed layer.

Each is called with a `classifier.Classifier`, the batch (float32 n x H x W x channels, as the model takes it) and the
explained classes (int32 n). Random draws are the same for every picture and at every call.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explain.explanation import COMPLETE, Layer
from explain.fills import chosen
from explain.rules.registry import Attribution, Passes, register
from explain.rules.sampling import random_masks, windows, with_noise

if TYPE_CHECKING:
    from explain.classifier import Classifier

Size = tuple[int, int]

_ROUNDING = 1e-6  # of a score: the same picture's differ by as much from batch to batch


def _positive_sum(activations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ReLU of the weighted channels: n x h x w x channels and n x channels to n x h x w."""
    return np.maximum(np.einsum("nhwc,nc->nhw", activations, weights), 0)


def _budget(layers: Sequence[Layer], channels: int) -> int:
    """Channels that are looked at in all layers together, of each at most so many."""
    return sum(min(channels, layer.shape[2]) for layer in layers)


def _foremost(measure: np.ndarray, count: int) -> np.ndarray:
    """Places of the largest values, in the layer's own order."""
    return np.sort(np.argsort(-measure, kind="stable")[:count])


def _losses(score: float, others: np.ndarray) -> np.ndarray:
    """By how much other scores are lower: float64; zero where the difference is rounding, as nothing was changed."""
    losses = score - others.astype(np.float64)
    return np.where(np.abs(losses) > _ROUNDING * np.maximum(abs(score), np.abs(others)), losses, 0)


# --- Layers ---------------------------------------------------------------------------------------------------------


@register(
    "smoothgradcam++",
    title="Smooth Grad-CAM++",
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = Σᵢ αₖᵢ ReLU(E Gₖᵢ),  αₖᵢ = E Gₖᵢ² / (2 E Gₖᵢ² + ReLU(E Gₖᵢ³) Σⱼ ReLU(Aₖⱼ)),  "
    "E over noise",
    source="Omeiza et al., Smooth Grad-CAM++, IntelliSys 2019, arXiv:1908.01224",
    warning="Derived for layers behind a ReLU, as Grad-CAM++.",
    passes=lambda layers, size, samples, **_: Passes(1 + samples, 1 + samples),
)
def smooth_gradcam_plus_plus(
    classifier: "Classifier",
    pixels: np.ndarray,
    targets: np.ndarray,
    *,
    samples: int = 8,
    noise: float = 0.1,
    seed: int = 0,
) -> list[np.ndarray]:
    """Grad-CAM++ with gradients averaged over noisy copies of the picture.

    w_k = sum_i alpha_ki ReLU(E G_ki), alpha_ki = E G_ki^2 / (2 E G_ki^2 + ReLU(E G_ki^3) sum_j ReLU(A_kj)), E the mean
    over `samples` copies with noise of `noise` of the picture's range; A is that of the picture itself. The paper has
    the mean of G, not of its square, above the line, which does not give Grad-CAM++ back without noise; this does. It
    has no ReLU in alpha; as with Grad-CAM++, there would be poles without.
    """
    random = np.random.default_rng(seed)
    activations = [layer for layer, _ in classifier.taps(pixels, targets)]
    powers = [[np.zeros(layer.shape) for _ in range(3)] for layer in activations]
    for _ in range(samples):
        tapped = classifier.taps(with_noise(pixels, noise, random), targets)
        for sums, (_, gradients) in zip(powers, tapped, strict=True):
            wide = gradients.astype(np.float64)
            for power, total in enumerate(sums, 1):
                total += wide**power / samples
    maps = []
    for layer, (first, second, third) in zip(activations, powers, strict=True):
        totals = np.maximum(layer, 0).sum((1, 2), keepdims=True, dtype=np.float64)
        below = 2 * second + np.maximum(third, 0) * totals
        alpha = np.divide(second, below, out=np.zeros_like(below), where=below != 0)
        maps.append(_positive_sum(layer, (alpha * np.maximum(first, 0)).sum((1, 2))))
    return maps


@register(
    "scorecam",
    title="Score-CAM",
    equation="ReLU(Σₖ wₖ Aₖ),  w = softmaxₖ y(x ⊙ stretched(resized(Aₖ)))",
    source="Wang et al., Score-CAM, CVPR workshops 2020, arXiv:1910.01279",
    warning="The masked pictures are unlike any the model has seen; only the channels that vary most count.",
    passes=lambda layers, size, channels: Passes(1 + _budget(layers, channels), 1),
)
def scorecam(
    classifier: "Classifier", pixels: np.ndarray, targets: np.ndarray, *, channels: int = 64
) -> list[np.ndarray]:
    """Channels weighted by the score of the picture seen through them.

    Every channel, resized to the picture and stretched from 0 to 1, is a mask; w is the softmax over channels of the
    masked pictures' scores. (The paper subtracts the score of a picture without content first; the softmax does not
    notice.) Of each layer the `channels` with the largest deviation over places are taken; a channel that is the same
    everywhere masks nothing and has no weight.
    """
    maps = []
    for activations, _ in classifier.taps(pixels, targets):
        weights = np.zeros((len(pixels), activations.shape[3]), np.float32)
        for picture, (image, layer) in enumerate(zip(pixels, activations, strict=True)):
            chosen = _foremost(layer.std((0, 1)), channels)
            scores = np.empty(len(chosen), np.float64)
            for part in classifier.slices(pixels, len(chosen)):
                masks = np.stack([_stretched(layer[..., channel], image.shape[:2]) for channel in chosen[part]])
                masked = image * masks[..., np.newaxis]
                scores[part] = classifier.scores(masked, _same(targets, picture, masked))
            scores[np.ptp(layer[..., chosen], (0, 1)) == 0] = -np.inf
            if np.isfinite(scores).any():
                shares = np.exp(scores - scores.max())
                weights[picture, chosen] = shares / shares.sum()
        maps.append(_positive_sum(activations, weights))
    return maps


def _stretched(channel: np.ndarray, size: Size) -> np.ndarray:
    """A channel as a mask of that size, 0 to 1; 0 where it is the same everywhere."""
    from explain.overlay import stretch
    from explain.pictures import resize

    return stretch(resize(channel, size))


@register(
    "ablationcam",
    title="Ablation-CAM",
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = y − y(Aₖ = 0)",
    source="Desai and Ramaswamy, Ablation-CAM, WACV 2020, doi:10.1109/WACV45572.2020.9093360",
    warning="Of each layer only the channels with the largest activations count.",
    passes=lambda layers, size, channels: Passes(2 + _budget(layers, channels), 1),
)
def ablationcam(
    classifier: "Classifier", pixels: np.ndarray, targets: np.ndarray, *, channels: int = 64
) -> list[np.ndarray]:
    """Channels weighted by what the score loses without them: w_k = y - y(A_k = 0).

    The layer's output is replaced in place, so nothing before it is computed again. The paper divides by y, the same
    for all channels, which would turn the map round where y is negative. Of each layer the `channels` with the largest
    mean absolute activation are taken; the others have no weight.
    """
    maps = []
    scores = classifier.scores(pixels, targets)
    tapped = classifier.taps(pixels, targets)
    for layer, (activations, _) in zip(classifier.layers, tapped, strict=True):
        weights = np.zeros((len(pixels), activations.shape[3]), np.float32)
        for picture, values in enumerate(activations):
            chosen = _foremost(np.abs(values).mean((0, 1)), channels)
            for part in classifier.slices(pixels, len(chosen)):
                ablated = np.repeat(values[np.newaxis], len(chosen[part]), 0)
                ablated[np.arange(len(ablated)), ..., chosen[part]] = 0
                batch = np.repeat(pixels[picture : picture + 1], len(ablated), 0)
                without = classifier.scores_with(layer.address, ablated, batch, _same(targets, picture, ablated))
                weights[picture, chosen[part]] = _losses(scores[picture], without)
        maps.append(_positive_sum(activations, weights))
    return maps


# --- The input ------------------------------------------------------------------------------------------------------


@register(
    "smoothgrad",
    title="SmoothGrad",
    equation="maxₖ |E dy/dxₖ|,  E over noisy copies",
    source="Smilkov et al., SmoothGrad, 2017, arXiv:1706.03825",
    level="input",
    warning="Where a small change would change the score, not what the score is made of.",
    passes=lambda layers, size, samples, **_: Passes(samples, samples),
)
def smoothgrad(
    classifier: "Classifier",
    pixels: np.ndarray,
    targets: np.ndarray,
    *,
    samples: int = 16,
    noise: float = 0.15,
    seed: int = 0,
) -> np.ndarray:
    """The gradient's mean over noisy copies, and of it the largest absolute value among a pixel's channels."""
    random = np.random.default_rng(seed)
    total = np.zeros(pixels.shape)
    for _ in range(samples):
        total += classifier.gradients(with_noise(pixels, noise, random), targets)
    return np.abs(total / samples).max(-1)


@register(
    "integrated-gradients",
    title="Integrated gradients",
    equation="Σₖ (xₖ − bₖ) ∫ dy/dxₖ(b + t (x − b)) dt,  t from 0 to 1",
    source="Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017, arXiv:1703.01365",
    level="input",
    warning="What is as dark as the baseline, black unless said otherwise, can have no part in the score.",
    passes=lambda layers, size, steps, **_: Passes(steps + 1, steps),
)
def integrated_gradients(
    classifier: "Classifier",
    pixels: np.ndarray,
    targets: np.ndarray,
    *,
    steps: int = 256,
    tolerance: float = COMPLETE,
    baseline: float = 0.0,
) -> Attribution:
    """Each pixel's part of the score's rise from a picture of one value (`baseline`, as the model takes it).

    All parts together are y(x) - y(b). A deep net decides within a few hundredths of the way, just where the picture
    comes out of the black, and its gradient jumps there at every ReLU. So the integral is taken by trapezoids that are
    halved where the scores at their ends tell that they miss most, until what they miss is at most `tolerance` of the
    rise, or the gradient was asked for `steps` times. The residual says what share of the rise the sum misses.
    """
    if steps < 2:
        raise ValueError(f"steps is a number of gradients, 2 or more, not {steps}.")
    made = [
        _integrated(classifier, picture, target, baseline, steps, tolerance)
        for picture, target in zip(pixels, targets, strict=True)
    ]
    values, residuals, counts = zip(*made, strict=True)
    return Attribution(np.stack(values), np.array(residuals, np.float32), Passes(max(counts) + 1, max(counts)))


_AT_ONCE = 8  # trapezoids that are halved at a time
_BESIDE = 1e-6  # where the first gradient is taken: at an even picture itself all of a layer may lie on its kink
_NARROWEST = 1e-5  # of the way: pictures nearer than that are hardly told apart in float32


def _integrated(
    classifier: "Classifier", picture: np.ndarray, target: int, baseline: float, steps: int, tolerance: float
) -> tuple[np.ndarray, float, int]:
    """Of one picture each pixel's part, the share that all of them miss, and the number of gradients."""
    start = np.full_like(picture, baseline)
    [first] = classifier.scores(start[np.newaxis], np.array([target]))
    scores: dict[float, float] = {}
    parts: dict[float, np.ndarray] = {}  # what each pixel would add, were the gradient the same all the way
    wanted = np.linspace(0, 1, min(_AT_ONCE + 1, steps))
    wanted[0] = _BESIDE
    while True:
        ways = wanted.astype(np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
        batch = start + ways * (picture - start)
        told, gradients = classifier.scored_gradients(batch, np.full(len(batch), target))
        scores |= zip(wanted.tolist(), told.tolist(), strict=True)
        parts |= zip(wanted.tolist(), (gradients * (picture - start)).sum(-1), strict=True)
        places = np.array(sorted(parts))
        slopes = np.array([parts[place].sum(dtype=np.float64) for place in places])
        rises = np.diff([first, *(scores[place] for place in places[1:])])
        widths = np.diff([0.0, *places[1:]])
        missed = widths * (slopes[1:] + slopes[:-1]) / 2 - rises
        rise, error = abs(rises.sum()), abs(missed.sum())
        rounding = _ROUNDING * max(abs(first), *map(abs, scores.values()))
        # the second is what the sum would be if the signs were random: a small sum alone may be luck
        complete = max(error, np.sqrt((missed**2).sum())) <= max(tolerance * rise, rounding)
        halved = np.argsort(np.where(widths > _NARROWEST, -np.abs(missed), 0), kind="stable")
        halved = halved[: min(_AT_ONCE, steps - len(places), np.count_nonzero(widths > _NARROWEST))]
        if complete or not len(halved):
            break
        wanted = (np.where(halved, places[halved], 0) + places[halved + 1]) / 2
    weights = (np.array([0.0, *widths]) + np.array([*widths, 0.0])) / 2
    values = np.tensordot(weights, np.stack([parts[place] for place in places]), 1)
    return values, 0.0 if error <= rounding else error / rise if rise else np.inf, len(places)


@register(
    "occlusion",
    title="Occlusion",
    equation="E (y − y(x without a window)),  E over the windows that hold the place",
    source="Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901",
    level="input",
    warning="What is there twice is missed by no window; a window is itself something to see.",
    passes=lambda layers, size, window, stride, fill: Passes(1 + len(windows(size, window, stride)), 0),
)
def occlusion(
    classifier: "Classifier",
    pixels: np.ndarray,
    targets: np.ndarray,
    *,
    window: float = 0.25,
    stride: float = 0.125,
    fill: float | str = "mean",
) -> np.ndarray:
    """What the score loses when a window is filled, averaged over the windows that hold a pixel.

    `window` and `stride` are shares of the sides; `fill` is a value as the model takes it, or a name of `fills.FILLS`.
    Negative where the score rises.
    """
    filled = chosen(fill) if isinstance(fill, str) else None
    places = windows((pixels.shape[1], pixels.shape[2]), window, stride)
    scores = classifier.scores(pixels, targets)
    lost, times = np.zeros(pixels.shape[:3]), np.zeros(pixels.shape[1:3])
    for area in places:
        times[area] += 1
    for picture, image in enumerate(pixels):
        for part in classifier.slices(pixels, len(places)):
            covered = np.repeat(image[np.newaxis], len(places[part]), 0)
            for copy, area in zip(covered, places[part], strict=True):
                removed = np.zeros(image.shape[:2], bool)
                removed[area] = True
                copy[area] = fill if filled is None else filled(image, removed, np.random.default_rng(0))[area]
            without = classifier.scores(covered, _same(targets, picture, covered))
            for area, loss in zip(places[part], _losses(scores[picture], without), strict=True):
                lost[picture][area] += loss
    return lost / times


@register(
    "rise",
    title="RISE",
    equation="Σₘ c(x ⊙ m) m / Σₘ m,  m random masks, c the class's probability",
    source="Petsiuk et al., RISE, BMVC 2018, arXiv:1806.07421",
    level="input",
    warning="Random masks leave a pattern of their own: the fewer, the more of it. What is masked is black.",
    passes=lambda layers, size, masks, **_: Passes(masks, 0),
)
def rise(
    classifier: "Classifier",
    pixels: np.ndarray,
    targets: np.ndarray,
    *,
    masks: int = 1000,
    cells: int = 7,
    keep: float = 0.5,
    seed: int = 0,
) -> np.ndarray:
    """The mean confidence of those masked pictures in which a pixel is kept.

    A mask is a grid of `cells` a side, each kept with probability `keep`, enlarged bilinearly and shifted by less than
    a cell. The sum is divided by the masks' own sum at the pixel, not by its expectation as in the paper.
    """
    random = np.random.default_rng(seed)
    total, weight = np.zeros(pixels.shape[:3]), np.zeros(pixels.shape[1:3])
    for part in classifier.slices(pixels, masks):
        drawn = random_masks(part.stop - part.start, (pixels.shape[1], pixels.shape[2]), cells, keep, random)
        weight += drawn.sum(0)
        for picture, image in enumerate(pixels):
            masked = image * drawn[..., np.newaxis]
            confidence = classifier.confidences(masked, _same(targets, picture, masked))
            total[picture] += np.tensordot(confidence.astype(np.float64), drawn, 1)
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)


def _same(targets: np.ndarray, picture: int, batch: np.ndarray) -> np.ndarray:
    """The target of a picture for each of its copies."""
    return np.full(len(batch), targets[picture])
