"""Several checkpoints that answer as one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explain import targets
from explain.agreement import common_grid, density, finite
from explain.align import align
from explain.cards import Card
from explain.explanation import Cost, Explanation, Layer, Origin

if TYPE_CHECKING:
    from explain.checkpoints import Batch, Checkpoint, Pictures

_LEAST = 1e-30  # of a probability, so that its logarithm is finite


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Checkpoints of the same classes behind the two doors of one: `predict` and `explain`.

    Attributes:
        card: names the members; an optional temperature.
        folder: where the card lies.
        members: the checkpoints, in the card's order; the first one's layers are the ensemble's.

    Example:
        >>> from explain.checkpoints import load
        >>> members = tuple(load(name) for name in ("cats-dogs-effnet-sgd", "cats-dogs-effnet-sgd-seed2"))
        >>> names = tuple(member.model_id for member in members)
        >>> card = Card(
        ...     model_id="both", title="Both", description="Two seeds.", classes=members[0].classes,
        ...     input_size=members[0].input_size, members=names,
        ... )
        >>> both = Ensemble(card, Path(), members)
        >>> grey = np.full((300, 400, 3), 127, np.uint8)
        >>> bool(np.allclose(both.predict([grey]), (members[0].predict([grey]) + members[1].predict([grey])) / 2))
        True
        >>> both.explain(grey).map().shape
        (6, 6)
    """

    card: Card
    folder: Path
    members: tuple[Checkpoint, ...]

    @property
    def model_id(self) -> str:
        """Name of its folder."""
        return self.card.model_id

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities' columns."""
        return self.card.classes

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width that the first member's pictures are squashed to; each member has its own."""
        return self.card.input_size

    @property
    def lacking(self) -> frozenset[str]:
        """What rules may need and a member has not, see `classifier.lacking`."""
        return frozenset().union(*(member.lacking for member in self.members))

    def predict(self, pictures: Batch) -> np.ndarray:
        """Probabilities of pictures: the mean of the members', and the temperature on its logarithm.

        Args:
            pictures: n of them, uint8 H x W x 3 each, of any sizes; or a function that gives them for an input size.

        Returns:
            float32 (n, classes), 0 to 1.

        Raises:
            TypeError, ValueError: as `pictures.fit` does.
        """
        return self._calibrated(_mean([member.predict(pictures) for member in self.members]))

    def explain(
        self,
        pictures: Pictures,
        target: targets.Target = "predicted",
        rules: str | Sequence[str] = "gradcam",
        layers: str | Sequence[str] = "blocks",
        features: int = 0,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        smoothing: int = 0,
        progress: Callable[[int, int], Any] | None = None,
    ) -> Explanation:
        """What the members see in pictures, on average, for one class: the ensemble's own, unless another is asked for.

        The layers are the first member's. Every other member gives to each the layer that `align` pairs with it; of
        several the one nearest in depth, the shallower of two. A map is the mean of the members' densities on the
        finest grid among them (which may be finer than the layer), so no member decides by the size of its gradients; a
        map that is zero everywhere, or not finite, counts as zero. Feature maps stay the members' own, as their
        channels do not correspond.

        Args:
            pictures: uint8 RGB, one or n of them, of any sizes; or a function that gives them for an input size.
            target: a class, or one per picture, see `engine.explain`; no function.
            rules: names of rules.
            layers: which layers, see `engine.explain`; addresses must be layers of every member.
            features: as the members are asked for them, so that they share their traces; none are returned.
            parameters: of rules, see `engine.explain`.
            smoothing: over how many noisy copies, see `engine.explain`.
            progress: of rules of many passes, see `engine.explain`; of all members so far, and of the others as many.

        Returns:
            Maps and attributions (float32, mean 1 or less), the ensemble's probabilities, and as scores log(mean
            probability) / temperature. Pictures are the first member's; costs are sums over the members.

        Raises:
            ModelError, TypeError, ValueError: as `engine.explain` does; ValueError for a function as target.
        """
        if callable(target) or isinstance(target, targets.Finer):
            raise ValueError("An ensemble is explained for a class: its members have no logits in common.")
        told = _Told(progress, len(self.members))

        def explained(member: Checkpoint, wanted: Any) -> Explanation:
            options: dict[str, Any] = {"rules": rules, "layers": layers, "features": features}
            options |= {"parameters": parameters, "smoothing": smoothing, "progress": told.of_next()}
            return member.explain(pictures, target=wanted, **options)

        explanations = [explained(member, target) for member in self.members]
        mean = _mean([explanation.probabilities for explanation in explanations])
        asked, _ = targets.resolve(target, len(mean), self.classes)
        chosen = np.where(asked == targets.PREDICTED, mean.argmax(1), asked).astype(np.int32)
        costs = [explanation.cost for explanation in explanations]
        for place, member in enumerate(self.members):
            if (explanations[place].targets != chosen).any():  # it prefers another class than the ensemble
                explanations[place] = explained(member, chosen.tolist())
                costs.append(explanations[place].cost)
        first = explanations[0]
        return Explanation(
            pictures=first.pictures,
            probabilities=self._calibrated(mean),
            scores=self._logits(mean)[np.arange(len(mean)), chosen].astype(np.float32),
            targets=chosen,
            classes=self.classes,
            layers=first.layers,
            maps=_mean_maps(explanations) if first.maps else {},
            attributions={rule: _mean_attributions(explanations, rule) for rule in first.attributions},
            cost={rule: _sum([cost[rule] for cost in costs]) for rule in first.cost},
            origin=Origin(self.model_id, self.card.digests.model),
        )

    def _logits(self, mean: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(mean, _LEAST)) / self.card.temperature

    def _calibrated(self, mean: np.ndarray) -> np.ndarray:
        if self.card.temperature != 1:  # a softmax of logarithms would give back the probabilities themselves
            logits = self._logits(mean)
            powers = np.exp(logits - logits.max(1, keepdims=True))
            mean = powers / powers.sum(1, keepdims=True)
        return mean.astype(np.float32)


def counterparts(
    reference: Sequence[Layer], layers: Sequence[Layer], inputs: Sequence[tuple[int, int]] | None = None
) -> list[int]:
    """For each layer of one model, the layer of another that stands for it.

    Args:
        reference: layers of the one.
        layers: layers of the other.
        inputs: (height, width) of both models' inputs. None: alike.

    Returns:
        A place in `layers` for each of `reference`: of those that `align` pairs with it the nearest in depth, the
        shallower of two.

    Raises:
        ValueError: for a side without layers.

    Example:
        >>> def model(*depths):
        ...     return [Layer(f"layer{depth}", depth, (8, 8, 3)) for depth in depths]
        >>> counterparts(model(0.0, 0.5, 1.0), model(0.0, 0.4, 0.55, 0.9, 1.0))
        [0, 2, 4]
    """
    partners: list[list[int]] = [[] for _ in reference]
    for i, j in align(reference, layers, inputs=inputs):
        partners[i].append(j)
    return [
        min(places, key=lambda j: _apart(layer, layers[j])) for layer, places in zip(reference, partners, strict=True)
    ]


def mean_density(maps: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of several maps' densities (see `agreement.density`), on the finest grid among them.

    Args:
        maps: float h x w each, of one picture.

    Returns:
        float32, nowhere negative; its mean is the share of maps that have any heat. A map without heat, or one that is
        not finite, counts as zero.

    Example:
        >>> mean_density([np.array([[4.0, 0.0]]), np.array([[1.0, 3.0]]), np.zeros((1, 1))])
        array([[0.8333333, 0.5      ]], dtype=float32)
    """
    grid = common_grid(*maps)
    total = np.zeros(grid)
    for heatmap in maps:
        share = density(finite(heatmap), grid)
        if share is not None:
            total += share
    return (total / len(maps)).astype(np.float32)


def _mean_maps(explanations: Sequence[Explanation]) -> dict[str, dict[str, np.ndarray]]:
    """Maps by rule and the first member's addresses."""
    first = explanations[0]
    sizes = [explanation.pictures.shape[1:3] for explanation in explanations]
    paired = [
        counterparts(first.layers, explanation.layers, (sizes[0], size))
        for explanation, size in zip(explanations, sizes, strict=True)
    ]
    maps: dict[str, dict[str, np.ndarray]] = {rule: {} for rule in first.maps}
    for place, layer in enumerate(first.layers):
        addresses = [
            explanation.layers[places[place]].address for explanation, places in zip(explanations, paired, strict=True)
        ]
        for rule in maps:
            members = [
                explanation.maps[rule][address] for explanation, address in zip(explanations, addresses, strict=True)
            ]
            pictures = zip(*members, strict=True)
            maps[rule][layer.address] = np.stack([mean_density(picture) for picture in pictures])
    return maps


def _mean_attributions(explanations: Sequence[Explanation], rule: str) -> np.ndarray:
    pictures = zip(*(explanation.attributions[rule] for explanation in explanations), strict=True)
    return np.stack([mean_density(picture) for picture in pictures])


class _Told:
    """What is done by the members one after the other, as one; those to come count as much as the present one."""

    def __init__(self, progress: Callable[[int, int], Any] | None, members: int) -> None:
        self._progress = progress
        self._left = members
        self._before = self._latest = 0

    def of_next(self) -> Callable[[int, int], Any] | None:
        """The progress of the next member."""
        self._before, self._latest, self._left = self._before + self._latest, 0, max(0, self._left - 1)
        return None if self._progress is None else self._step

    def _step(self, done: int, total: int) -> None:
        self._latest = total
        if self._progress is not None:
            self._progress(self._before + done, self._before + total * (1 + self._left))


def _mean(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(probabilities).mean(axis=0, dtype=np.float64)


def _apart(layer: Layer, other: Layer) -> float:
    return abs(layer.depth - other.depth)


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(
        forward=sum(cost.forward for cost in costs),
        backward=sum(cost.backward for cost in costs),
        milliseconds=sum(cost.milliseconds for cost in costs),
        batch=max(cost.batch for cost in costs),
    )
