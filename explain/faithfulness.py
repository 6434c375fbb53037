"""How far maps tell what a model rests on: parts of a picture are taken away, and the model is asked again.

    explanation = explain(model, pictures)
    curves = removal(model, explanation.pictures, explanation.maps["gradcam"]["conv"], explanation.targets)
    curves.srg

Taken from arXiv:2401.06654 (SRG), arXiv:2202.00449 (ROAD) and arXiv:2407.11910 (IDSDS). Three things to know of every
figure here: a picture with parts taken away is unlike what the model was trained on; figures depend on the fill and on
the size of what is taken away, so compare them only where these are alike; and no figure means anything without those
of `baseline_maps` beside it. What the picture shows is no part of it: a map may be faithful and lie beside the animal.

Where a function takes a `model`, that is a Keras model, a checkpoint or an ensemble (of probabilities alone), or a
function from float32 pictures and int32 classes to one number each. Pictures are n x H x W x channels, uint8 or float,
of the model's size, as `Explanation.pictures` holds them; classes int (n,), as `Explanation.targets`; maps float
n x h x w of any size, which is brought to that of the pictures bilinearly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from explain.agreement import hottest, rank_correlation
from explain.explanation import Explanation
from explain.fills import chosen
from explain.measures import Z, share_inside
from explain.overlay import stretch
from explain.pictures import resize
from explain.targets import HeadKind

Model = Any
Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]
Progress = Callable[[int, int], Any]
Score = Literal["probability", "logit"]

CHUNK_PIXELS = 16 * 224 * 224  # of changed pictures that wait for the model
EDGE_BLUR = 1 / 64  # standard deviation of the edges' blur, as share of the longer side
BLOB = 1 / 4  # standard deviation of the centred blob, as share of the sides


# --- Removal --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Curves:
    """What a model says of n pictures while more and more of them is taken away.

    Attributes:
        shares: float64 (k,), of the picture that is taken away, 0 to 1 in equal steps.
        most: float32 (n, k), the score with what the map holds most important taken away first.
        least: float32 (n, k), the same with the least important first.

    Example:
        >>> curves = Curves(np.array([0, 0.5, 1]), np.array([[1.0, 0.0, 0.0]]), np.array([[1.0, 1.0, 0.0]]))
        >>> curves.deletion.tolist(), curves.insertion.tolist(), curves.srg.tolist()
        ([0.25], [0.75], [0.5])
    """

    shares: np.ndarray
    most: np.ndarray
    least: np.ndarray

    @property
    def deletion(self) -> np.ndarray:
        """float64 (n,), mean score while the most important goes first: the less, the better the map."""
        return _area(self.most, self.shares)

    @property
    def insertion(self) -> np.ndarray:
        """float64 (n,), mean score while the most important comes first: the more, the better the map.

        To add the most important to a filled picture is to take away the least important from the whole one, seen from
        its end. So this is the mean of `least`; the insertion's curve is `least[:, ::-1]`.
        """
        return _area(self.least, self.shares)

    @property
    def srg(self) -> np.ndarray:
        """float64 (n,), symmetric relevance gain: insertion less deletion with the same fill.

        Rankings by it hold over fills (Blücher et al., Decoupling Pixel Flipping and Occlusion Strategy, 2024,
        arXiv:2401.06654). Of random maps it is 0 in the mean.
        """
        return self.insertion - self.deletion


def _area(scores: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Under curves, by trapezoids."""
    return (scores[:, 1:].astype(np.float64) + scores[:, :-1]) @ np.diff(shares) / 2


def removal(
    model: Model,
    pictures: np.ndarray,
    maps: np.ndarray,
    classes: np.ndarray,
    fill: str = "road",
    steps: int = 16,
    score: Score = "probability",
    preprocess: Callable[[np.ndarray], Any] | None = None,
    head: HeadKind = "auto",
    progress: Progress | None = None,
    seed: int = 0,
) -> Curves:
    """Deletion and insertion (Petsiuk et al., RISE, BMVC 2018), most and least important first.

    Places of equal importance go in a random order, so that a map that is the same everywhere counts as a random one.

    Args:
        model: see above.
        pictures: see above.
        maps: see above.
        classes: whose score is watched.
        fill: "road" (noisy linear interpolation), "blur", "mean" or "black"; the first three leave less of an outline.
        steps: equal ones, from the whole picture to none of it; 2 steps passes a picture.
        score: "probability" of the class, or its "logit".
        preprocess: from a float32 batch as `pictures` to the model's input; None if that is inside the model.
        head: of a Keras model, see `targets.head`.
        progress: is called with the passes of single pictures that are done and that there will be. What it raises ends
            the work and comes out.
        seed: of the order of equal places and of ROAD's noise, which are the same for every picture.

    Returns:
        The curves.

    Raises:
        ValueError: for arrays that do not go together, and for an unknown fill or score.
        ModelError: for a model that is no classifier.

    Example:
        >>> def brightness(batch, classes):
        ...     return batch.mean((1, 2, 3))
        >>> picture = np.array([[[[0.0], [1.0]]]], np.float32)
        >>> removal(brightness, picture, picture[..., 0], np.array([0]), "black", steps=2).srg.tolist()
        [0.25]
    """
    pictures, maps, classes = _checked(pictures, maps, classes)
    if steps < 1:
        raise ValueError(f"steps is the number of parts that go one after the other, 1 or more, not {steps}.")
    filled, shares = chosen(fill), np.linspace(0, 1, steps + 1)
    size = pictures.shape[1:3]
    counts = np.rint(shares * size[0] * size[1]).astype(np.int64)

    def copies() -> Iterator[tuple[np.ndarray, int]]:
        for picture, heatmap, target in zip(pictures, maps, classes, strict=True):
            ranks = _ranks(_at(heatmap, size), np.random.default_rng(seed))
            for count in counts:
                yield filled(picture, ranks < count, np.random.default_rng(seed)), target
            for count in counts[1:-1]:
                yield filled(picture, ranks >= ranks.size - count, np.random.default_rng(seed)), target

    each = 2 * steps
    scores = _scored(_judge(model, score, preprocess, head), copies(), each * len(pictures), progress)
    scores = scores.reshape(-1, each)
    most = scores[:, : steps + 1]
    return Curves(shares, most, np.concatenate([most[:, :1], scores[:, steps + 1 :], most[:, -1:]], 1))


def cross_removal(
    models: Sequence[Model],
    explanations: Sequence[Explanation],
    rule: str | None = None,
    layers: Sequence[str | None] | None = None,
    fill: str = "road",
    steps: int = 16,
    score: Score = "probability",
    preprocess: Callable[[np.ndarray], Any] | None = None,
    head: HeadKind = "auto",
    progress: Progress | None = None,
    seed: int = 0,
) -> list[list[Curves]]:
    """What each model says while the others' maps decide what is taken away: delete by left's map, watch right's score.

    Where right's score falls as fast by left's map as by its own, what left rests on is what right needs, too. If it
    falls later, right rests on something else or on more. Every model is watched for the class that its own explanation
    explains, on its own picture: the two may explain different classes, and have inputs of different sizes.

    Args:
        models: two or more, as `removal` takes them.
        explanations: of the same pictures, one a model.
        rule: by which all were explained; by default the first one's first.
        layers: an address in each explanation, None for its last; by default the last of all.
        fill: see `removal`.
        steps: see `removal`.
        score: see `removal`.
        preprocess: see `removal`, of all.
        head: see `removal`, of all.
        progress: see `removal`, of all together.
        seed: see `removal`.

    Returns:
        Curves by the model whose map decides, and by the model that is watched.

    Raises:
        ValueError: for other numbers of models, explanations and pictures, and as `removal` does.
        KeyError: for a rule or layer that was not explained.

    Example:
        >>> def half(columns):
        ...     return lambda batch, classes: batch[:, :, columns].mean((1, 2, 3))
        >>> def explanation(heatmap):
        ...     return Explanation(
        ...         pictures=np.ones((1, 2, 2, 1), np.float32),
        ...         probabilities=np.array([[0.5, 0.5]], np.float32),
        ...         scores=np.zeros(1, np.float32),
        ...         targets=np.array([0]),
        ...         classes=None,
        ...         layers=(),
        ...         maps={},
        ...         attributions={"gradient": np.array([heatmap], np.float32)},
        ...     )
        >>> explanations = explanation([[1, 0], [1, 0]]), explanation([[0, 1], [0, 1]])
        >>> curves = cross_removal([half([0]), half([1])], explanations, fill="black", steps=2)
        >>> [[watched.most[0].tolist() for watched in by] for by in curves]
        [[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]], [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]
    """
    addresses = [None] * len(models) if layers is None else layers
    if not 2 <= len(models) == len(explanations) == len(addresses):
        raise ValueError(f"{len(models)} models and {len(explanations)} explanations: one of each is needed, of two.")
    counts = {len(explanation.pictures) for explanation in explanations}
    if len(counts) > 1:
        raise ValueError(f"The explanations are of different numbers of pictures: {', '.join(map(str, counts))}.")
    rule = explanations[0].rules[0] if rule is None else rule
    maps = [
        np.stack([explanation.map(address, rule, picture) for picture in range(len(explanation.pictures))])
        for explanation, address in zip(explanations, addresses, strict=True)
    ]
    told = _Shared(progress, len(models) ** 2)

    def watched(by: np.ndarray, model: Model, explanation: Explanation) -> Curves:
        options: dict[str, Any] = {"preprocess": preprocess, "head": head, "progress": told.next(), "seed": seed}
        return removal(model, explanation.pictures, by, explanation.targets, fill, steps, score, **options)

    return [
        [watched(by, model, explanation) for model, explanation in zip(models, explanations, strict=True)]
        for by in maps
    ]


class _Shared:
    """Progress of several equal pieces of work, as of one."""

    def __init__(self, progress: Progress | None, pieces: int) -> None:
        self._progress, self._pieces, self._begun = progress, pieces, 0

    def next(self) -> Progress | None:
        """Of the next piece."""
        self._begun += 1
        before, progress, pieces = self._begun - 1, self._progress, self._pieces
        if progress is None:
            return None
        return lambda done, total: progress(before * total + done, pieces * total)


# --- Other figures --------------------------------------------------------------------------------------------------


class Drop(NamedTuple):
    """What is left of a model's confidence where it sees a picture through a map.

    Attributes:
        drop: float64 (n,), share of the confidence that is lost, 0 to 1; 0 where it rises.
        rises: bool (n,), where it does.
        area: float64 (n,), mean of the stretched map, 0 to 1: what is left of the picture. The larger, the easier.
    """

    drop: np.ndarray
    rises: np.ndarray
    area: np.ndarray


def average_drop(
    model: Model,
    pictures: np.ndarray,
    maps: np.ndarray,
    classes: np.ndarray,
    fill: str = "black",
    preprocess: Callable[[np.ndarray], Any] | None = None,
    head: HeadKind = "auto",
    progress: Progress | None = None,
) -> Drop:
    """Average drop and increase of confidence, with the area that they were bought by; two passes a picture.

    The positive part of every map, stretched from 0 to 1, is laid over its picture (Chattopadhay et al., Grad-CAM++,
    WACV 2018, arXiv:1710.11063). A map that is large everywhere loses nothing and says nothing, so read the drop beside
    the area.

    Args:
        model: see above.
        pictures: see above.
        maps: see above.
        classes: whose probability is watched.
        fill: "black" (as in the paper), "mean" or "blur": what stands where the map is 0.
        preprocess: see `removal`.
        head: see `removal`.
        progress: see `removal`.

    Returns:
        Figures of every picture; their means are those of the paper.

    Raises:
        ValueError: as `removal` does, and for "road", which cannot be laid over.

    Example:
        >>> def brightness(batch, classes):
        ...     return batch.mean((1, 2, 3))
        >>> picture = np.array([[[[2.0], [2.0]]]], np.float32)
        >>> drop = average_drop(brightness, picture, np.array([[[1.0, 0.0]]]), np.array([0]))
        >>> drop.drop.tolist(), drop.area.tolist()
        ([0.5], [0.5])
    """
    pictures, maps, classes = _checked(pictures, maps, classes)
    if fill == "road":
        raise ValueError("A map lets pictures through by degrees, which ROAD's fill cannot: take black, mean or blur.")
    filled, size = chosen(fill), pictures.shape[1:3]
    everything = np.ones(size, bool)
    masks = [stretch(np.maximum(_at(heatmap, size), 0)) for heatmap in maps]

    def copies() -> Iterator[tuple[np.ndarray, int]]:
        for picture, mask, target in zip(pictures, masks, classes, strict=True):
            behind = filled(picture, everything, np.random.default_rng(0))
            yield picture, target
            yield behind + mask[..., np.newaxis] * (picture - behind), target

    judge = _judge(model, "probability", preprocess, head)
    scores = _scored(judge, copies(), 2 * len(pictures), progress).reshape(-1, 2).astype(np.float64)
    whole, seen = scores.T
    lost = np.divide(np.maximum(whole - seen, 0), whole, out=np.zeros_like(whole), where=whole > 0)
    return Drop(lost, seen > whole, np.array([mask.mean(dtype=np.float64) for mask in masks]))


@dataclass(frozen=True, eq=False)
class SingleDeletion:
    """How far maps put the parts of their pictures in the order of what the model loses without each.

    Attributes:
        correlations: float64 (n,), Spearman's rank correlation over parts, -1 to 1; NaN where the map or the loss is
            the same for all parts.

    Example:
        >>> SingleDeletion(np.array([0.5, 0.7, np.nan])).mean
        0.6
    """

    correlations: np.ndarray

    @property
    def mean(self) -> float:
        """Of all pictures that have one: the score of the set; NaN without any."""
        told = self.correlations[np.isfinite(self.correlations)]
        return float(told.mean()) if len(told) else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, by the normal distribution, over pictures; NaN for fewer than two."""
        told = self.correlations[np.isfinite(self.correlations)]
        half = Z * float(told.std(ddof=1)) / len(told) ** 0.5 if len(told) > 1 else float("nan")
        return self.mean - half, self.mean + half


def single_deletion(
    model: Model,
    pictures: np.ndarray,
    maps: np.ndarray,
    classes: np.ndarray,
    grid: int = 4,
    fill: str = "mean",
    score: Score = "logit",
    preprocess: Callable[[np.ndarray], Any] | None = None,
    head: HeadKind = "auto",
    progress: Progress | None = None,
) -> SingleDeletion:
    """IDSDS over a set of pictures: one part of the picture is taken away at a time, grid² + 1 passes a picture.

    Hesse et al., Benchmarking the Attribution Quality of Vision Models, NeurIPS 2024, arXiv:2407.11910. "In domain" it
    is for models alone that were trained with parts of the pictures erased, by the same fill; between such models it
    can be compared.

    Args:
        model: see above.
        pictures: see above.
        maps: see above; a part counts by its sum.
        classes: whose score is watched.
        grid: parts a side.
        fill: "mean", "black", "blur" or "road".
        score: "logit" of the class, or its "probability".
        preprocess: see `removal`.
        head: see `removal`.
        progress: see `removal`.

    Returns:
        Rank correlations of every picture, and of the set.

    Raises:
        ValueError: as `removal` does, and for a grid that is finer than the pictures.

    Example:
        >>> def left_half(batch, classes):
        ...     return batch[:, :, :2].mean((1, 2, 3))
        >>> picture = np.ones((1, 4, 4, 1), np.float32)
        >>> heat = np.array([[[2.0, 1.0], [2.0, 1.0]]])
        >>> round(single_deletion(left_half, picture, heat, np.array([0]), 2, "black").mean, 3)
        1.0
    """
    pictures, maps, classes = _checked(pictures, maps, classes)
    size = pictures.shape[1:3]
    if not 2 <= grid <= min(size):
        raise ValueError(f"A grid of 2 to {min(size)} parts a side is needed, not {grid}.")
    filled = chosen(fill)
    rows, columns = (np.linspace(0, side, grid + 1).round().astype(int) for side in size)
    areas = [
        (slice(*rows[row : row + 2]), slice(*columns[column : column + 2]))
        for row in range(grid)
        for column in range(grid)
    ]

    def copies() -> Iterator[tuple[np.ndarray, int]]:
        for picture, target in zip(pictures, classes, strict=True):
            yield picture, target
            for area in areas:
                removed = np.zeros(size, bool)
                removed[area] = True
                yield filled(picture, removed, np.random.default_rng(0)), target

    each = 1 + len(areas)
    scores = _scored(_judge(model, score, preprocess, head), copies(), each * len(pictures), progress)
    scores = scores.reshape(-1, each).astype(np.float64)
    lost = scores[:, :1] - scores[:, 1:]
    heat = [[float(full[area].sum()) for area in areas] for full in (_at(heatmap, size) for heatmap in maps)]
    correlations = [
        rank_correlation(np.array(parts), losses) if np.ptp(parts) > 0 and np.ptp(losses) > 0 else np.nan
        for parts, losses in zip(heat, lost, strict=True)
    ]
    return SingleDeletion(np.array(correlations, np.float64))


class Localisation(NamedTuple):
    """How far maps lie where a person looks: plausibility, not faithfulness, as a model may rest on the background.

    Attributes:
        energy: float64 (n,), share of a map's positive heat inside, 0 to 1; NaN without heat.
        pointing: float64 (n,), 1 where the hottest place lies inside, 0 where not; NaN without heat.
        chance: float64 (n,), share of the picture that is inside: what an even map has of either.
    """

    energy: np.ndarray
    pointing: np.ndarray
    chance: np.ndarray


def localisation(maps: np.ndarray, masks: np.ndarray) -> Localisation:
    """Energy-based and plain pointing game: is the heat inside of what a person marked?

    Wang et al., Score-CAM, CVPR workshops 2020, and Zhang et al., Top-down Neural Attention, ECCV 2016. Plausibility
    only: of two faithful maps that of the better model may well lie outside.

    Args:
        maps: float n x h x w.
        masks: bool n x H x W over the whole pictures, at any size not below the maps'.

    Returns:
        Figures of every picture.

    Raises:
        ValueError: for other numbers of maps and masks.

    Example:
        >>> mask = np.array([[[True, False], [True, False]]])
        >>> localisation(np.array([[[3, 1], [0, 0]]]), mask)
        Localisation(energy=array([0.75]), pointing=array([1.]), chance=array([0.5]))
    """
    maps, masks = np.asarray(maps), np.asarray(masks, bool)
    if maps.ndim != 3 or masks.ndim != 3 or len(maps) != len(masks):
        raise ValueError(f"n maps and n masks are needed, not {maps.shape} and {masks.shape}.")
    energy, pointing = np.full(len(maps), np.nan), np.full(len(maps), np.nan)
    for place, (heatmap, mask) in enumerate(zip(maps, masks, strict=True)):
        share = share_inside(heatmap, mask)
        if share is not None:
            energy[place] = share
            full = _at(heatmap, mask.shape)
            pointing[place] = mask[tuple(int(middle) for middle in hottest(full))]
    return Localisation(energy, pointing, masks.mean((1, 2)))


def baseline_maps(
    pictures: np.ndarray, grid: tuple[int, int], draws: int = 8, seed: int = 0
) -> Mapping[str, np.ndarray]:
    """Maps that know nothing of any model; a rule that does not beat them has shown nothing.

    Args:
        pictures: n x H x W x channels.
        grid: (height, width) of the maps that are judged: random ones of another coarseness are no match for them.
        draws: how many random ones.
        seed: of these.

    Returns:
        float32 by name: "edges" (n, H, W), the gradient of the picture's brightness, softened; "blob" (n, H, W), a
        Gaussian in the middle; "random-1" and so on (n, h, w), even from 0 to 1.

    Example:
        >>> maps = baseline_maps(np.zeros((1, 8, 8, 3), np.uint8), (2, 2), draws=2)
        >>> {name: values.shape for name, values in maps.items()}
        {'edges': (1, 8, 8), 'blob': (1, 8, 8), 'random-1': (1, 2, 2), 'random-2': (1, 2, 2)}
    """
    import cv2

    pictures = np.asarray(pictures, np.float32)
    size = pictures.shape[1:3]
    edges = []
    for picture in pictures:
        grey = picture.mean(-1)
        slopes = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
        edges.append(cv2.GaussianBlur(slopes, (0, 0), EDGE_BLUR * max(size)))
    rows, columns = (((np.arange(side) + 0.5) / side - 0.5) / BLOB for side in size)
    blob = np.exp(-(rows[:, np.newaxis] ** 2 + columns**2) / 2).astype(np.float32)
    random = np.random.default_rng(seed)
    maps = {"edges": np.stack(edges), "blob": np.repeat(blob[np.newaxis], len(pictures), 0)}
    for draw in range(1, draws + 1):
        maps[f"random-{draw}"] = random.random((len(pictures), *grid), np.float32)
    return maps


# --- Asking the model -----------------------------------------------------------------------------------------------


def _judge(model: Model, score: Score, preprocess: Callable[[np.ndarray], Any] | None, head: HeadKind) -> Judge:
    """The number that is watched, as a function of float32 pictures and classes."""
    if score not in ("probability", "logit"):
        raise ValueError(f"score is 'probability' or 'logit', not {score!r}.")
    if hasattr(model, "members"):
        return _of_ensemble(model, score)
    model = getattr(model, "model", model) if hasattr(model, "card") else model
    if not hasattr(model, "layers"):
        return model
    from explain.classifier import Classifier

    classifier = Classifier(model, head=head)

    def judge(batch: np.ndarray, classes: np.ndarray) -> np.ndarray:
        if preprocess is not None:
            batch = np.asarray(preprocess(batch), np.float32)
        return (classifier.confidences if score == "probability" else classifier.scores)(batch, classes)

    return judge


def _of_ensemble(ensemble: Model, score: Score) -> Judge:
    def judge(batch: np.ndarray, classes: np.ndarray) -> np.ndarray:
        pictures = np.rint(np.clip(batch, 0, 255)).astype(np.uint8)
        probabilities = ensemble.predict(pictures)[np.arange(len(batch)), classes]
        return probabilities if score == "probability" else np.log(np.maximum(probabilities, 1e-30))

    return judge


def _scored(
    judge: Judge, copies: Iterable[tuple[np.ndarray, int]], total: int, progress: Progress | None
) -> np.ndarray:
    """The numbers of so many changed pictures, in their order, a chunk at a time."""
    scores: list[float] = []
    waiting: list[tuple[np.ndarray, int]] = []

    def ask() -> None:
        batch = np.stack([picture for picture, _ in waiting]).astype(np.float32, copy=False)
        scores.extend(np.asarray(judge(batch, np.array([target for _, target in waiting], np.int32))).tolist())
        waiting.clear()
        if progress is not None:
            progress(len(scores), total)

    for copy in copies:
        waiting.append(copy)
        if len(waiting) * copy[0].shape[0] * copy[0].shape[1] >= CHUNK_PIXELS or len(waiting) == 256:
            ask()
    if waiting:
        ask()
    return np.array(scores, np.float32)


def _checked(pictures: np.ndarray, maps: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures as float32, maps and classes, where they go together."""
    pictures, maps, classes = np.asarray(pictures, np.float32), np.asarray(maps, np.float32), np.asarray(classes)
    if pictures.ndim != 4 or maps.ndim != 3 or classes.ndim != 1 or not len(pictures) == len(maps) == len(classes) > 0:
        raise ValueError(
            "n pictures (n x height x width x channels), n maps (n x h x w) and n classes are needed, not "
            f"{pictures.shape}, {maps.shape} and {classes.shape}."
        )
    if not np.isfinite(maps).all():
        raise ValueError("Some of the maps are not finite.")
    if not np.issubdtype(classes.dtype, np.integer) or classes.min() < 0:
        raise ValueError("What is watched is the score of a class, counted from 0: no function of the logits.")
    return pictures, maps, classes.astype(np.int32)


def _at(heatmap: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map at the picture's size."""
    return resize(np.asarray(heatmap, np.float32), size)


def _ranks(heatmap: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The place of every pixel in the order of importance, the most important first."""
    order = np.lexsort((random.random(heatmap.size), -heatmap.ravel()))
    ranks = np.empty(heatmap.size, np.int64)
    ranks[order] = np.arange(heatmap.size)
    return ranks.reshape(heatmap.shape)
