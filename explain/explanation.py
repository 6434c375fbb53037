"""What `explain` returns: raw maps and all that is needed to read them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from explain.tokens import Grid

COMPLETE = 0.01  # of a rule that should be complete: what it misses beyond this share is told of
DEAD = 0.01  # of the median channel's deviation: a channel that varies no more over a picture is dead


@dataclass(frozen=True)
class Layer:
    """An explained layer.

    Attributes:
        address: path of names, `backbone/block3a_expand`, with `#2` behind the name of a layer that is called for the
            second time.
        depth: 0 for the first explained layer to 1 for the last, by place among all calls of the model's layers.
        shape: height, width and channels of the output.
        grid: of tokens, where these height x width lie among them; None for a map.

    Example:
        >>> Layer("backbone/block3a_expand", 0.5, (28, 28, 144)).shape[-1]
        144
    """

    address: str
    depth: float
    shape: tuple[int, int, int]
    grid: Grid | None = None


@dataclass(frozen=True)
class Cost:
    """What a rule's maps cost.

    One-pass rules that were asked for together share one run; each states that run's milliseconds.

    Attributes:
        forward: runs of the model.
        backward: runs of its gradient.
        milliseconds: of all runs, without tracing.
        batch: pictures in the largest run.

    Example:
        >>> Cost(forward=1, backward=1, milliseconds=42.0, batch=8).batch
        8
    """

    forward: int
    backward: int
    milliseconds: float
    batch: int


@dataclass(frozen=True)
class Origin:
    """The checkpoint whose maps these are.

    Attributes:
        model_id: its id.
        digest: hex sha256 of its file; of an ensemble, of its members' digests and its temperature.

    Example:
        >>> Origin("my-net", "0" * 64).model_id
        'my-net'
    """

    model_id: str
    digest: str


@dataclass(frozen=True, eq=False)
class Features:
    """The k most important channels of a layer, most important first, and figures of all its channels; n pictures.

    A channel is dead on a picture where its values hardly vary over the places: where their standard deviation is at
    most 1 % of that of the layer's median channel. Over a single place nothing can vary, and no channel is dead.

    Attributes:
        channels: int (n, k), places of the kept channels in the layer's output.
        importance: float32 (n, k), |mean gradient x mean activation| of the kept channels.
        maps: float32 (n, height, width, k), the activations themselves.
        means: float32 (n, channels), every channel's mean over places, in the layer's own order.
        deviations: float32 (n, channels), every channel's standard deviation over places, in the layer's own order.

    Example:
        >>> import numpy as np
        >>> deviations = np.array([[1.0, 2.0, 0.001]], np.float32)
        >>> maps = np.zeros((1, 2, 2, 1), np.float32)
        >>> features = Features(np.array([[2]]), np.ones((1, 1), np.float32), maps, deviations, deviations)
        >>> round(float(features.dead[0]), 2), features.live.tolist()
        (0.33, [[False]])
    """

    channels: np.ndarray
    importance: np.ndarray
    maps: np.ndarray
    means: np.ndarray
    deviations: np.ndarray

    @property
    def dead(self) -> np.ndarray:
        """float32 (n,), share of all the layer's channels that are dead, 0 to 1."""
        return (~self._varying).mean(axis=1, dtype=np.float32)

    @property
    def live(self) -> np.ndarray:
        """bool (n, k), which of the kept channels are not dead."""
        return np.take_along_axis(self._varying, self.channels, axis=1)

    @property
    def _varying(self) -> np.ndarray:
        """bool (n, channels)"""
        if self.maps.shape[1] * self.maps.shape[2] == 1:
            return np.ones(self.deviations.shape, bool)
        return self.deviations > DEAD * np.median(self.deviations, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps of n pictures for every rule and layer asked for.

    Attributes:
        pictures: n x height x width x channels as they were given to the model: uint8 before `preprocess`, or float.
        probabilities: float32 (n, classes), 0 to 1; one sigmoid unit counts as two classes.
        scores: float32 (n,), the explained logit.
        targets: int (n,), the explained class; -1 where a function of the logits is explained.
        classes: names, or None.
        layers: in order of execution.
        maps: by rule and layer's address, float32 (n, h, w): raw, at the layer's resolution. A map may be zero
            everywhere.
        features: by layer's address; empty unless asked for.
        cost: by rule.
        attributions: by rule, of those rules that give one map of the input whatever the layer, float32 (n, H, W) of
            the input's size. Of some rules they may be negative: what speaks against the class.
        residuals: by rule, of those that should be complete, float32 (n,): what their attributions leave unexplained,
            as share of the score that there was to explain.
        origin: the checkpoint that was explained; None for a model that came from no file.

    Example:
        >>> explanation = Explanation(
        ...     pictures=np.zeros((1, 8, 8, 3), np.uint8),
        ...     probabilities=np.array([[0.2, 0.8]], np.float32),
        ...     scores=np.array([1.4], np.float32),
        ...     targets=np.array([1]),
        ...     classes=("cat", "dog"),
        ...     layers=(Layer("conv", 1.0, (2, 2, 4)),),
        ...     maps={"gradcam": {"conv": np.eye(2, dtype=np.float32)[None]}},
        ... )
        >>> explanation.map("conv").tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        >>> explanation
        Explanation of 1 picture, 8 x 8: gradcam on 1 layer, conv to conv
          0: dog 80.0%, score 1.4
        >>> explanation.overlay("conv").shape
        (8, 8, 3)
    """

    pictures: np.ndarray
    probabilities: np.ndarray
    scores: np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...] | None
    layers: tuple[Layer, ...]
    maps: Mapping[str, Mapping[str, np.ndarray]]
    features: Mapping[str, Features] = field(default_factory=dict)
    cost: Mapping[str, Cost] = field(default_factory=dict)
    attributions: Mapping[str, np.ndarray] = field(default_factory=dict)
    residuals: Mapping[str, np.ndarray] = field(default_factory=dict)
    origin: Origin | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules explained by: of maps by layer first, then of attributions."""
        return (*self.maps, *self.attributions)

    @property
    def answers(self) -> np.ndarray:
        """What the model says: int (n,), the class of the greatest probability.

        Of classes that are equally probable the explained one: logits apart can give probabilities that are equal.
        """
        likeliest, probable = self.probabilities.argmax(1), self.probabilities.max(1)
        explained = np.take_along_axis(self.probabilities, np.maximum(self.targets, 0)[:, None], 1)[:, 0]
        return np.where((self.targets >= 0) & (explained == probable), self.targets, likeliest)

    def map(self, layer: str | None = None, rule: str | None = None, picture: int = 0) -> np.ndarray:
        """One raw map, at its layer's resolution; by a rule that attributes to the input, the same for every layer.

        Args:
            layer: its address; by default that of the last layer.
            rule: its name; by default the first.
            picture: place of the picture in the batch.

        Returns:
            float32 h x w.

        Raises:
            KeyError: for a layer or rule that was not explained; it names those that were.
            IndexError: for a picture that is not there.
        """
        rule = self.rules[0] if rule is None else rule
        if rule not in self.rules:
            raise KeyError(f"No rule {rule!r} here, but {', '.join(self.rules)}.")
        if layer is not None and layer not in (addresses := [known.address for known in self.layers]):
            raise KeyError(f"No layer {layer!r} here, but {', '.join(addresses) or 'none'}.")
        if rule in self.attributions:
            return self.attributions[rule][picture]
        return self.maps[rule][self.layers[-1].address if layer is None else layer][picture]

    def overlay(
        self,
        layer: str | None = None,
        rule: str | None = None,
        picture: int = 0,
        opacity: float = 0.5,
        name: str = "viridis",
    ) -> np.ndarray:
        """A map over its picture.

        Args:
            layer: its address; by default that of the last layer.
            rule: its name; by default the first.
            picture: place of the picture in the batch.
            opacity: of the map, 0 to 1.
            name: of a table of Matplotlib's colours.

        Returns:
            uint8 RGB, height x width x 3, of the picture's size.

        Raises:
            KeyError, IndexError: as `map` does.
            ValueError: for an opacity outside of 0 to 1, and colours that Matplotlib does not have.
        """
        from explain.overlay import overlay

        return overlay(drawable(self.pictures[picture]), self.map(layer, rule, picture), opacity, name)

    def save(self, folder: str | Path, columns: int = 6, about: Mapping[str, Any] | None = None) -> list[Path]:
        """Write one PNG of tiles, all layers in order, per rule and picture, and all raw numbers into `maps.npz`.

        Of an attribution of the input there is one tile. The archive holds `RULE/ADDRESS` (n, h, w), of attributions
        `RULE` (n, H, W), `probabilities`, `scores`, `targets`, `layers` and `depths`. Last comes `manifest.json`, which
        says what was explained, by which model (its digest) and libraries, and what it cost; it lists the files with
        their digests, so that a folder with a manifest is whole.

        Args:
            folder: where to; it is made if need be.
            columns: tiles in a row.
            about: what else the manifest shall say, able to be JSON.

        Returns:
            The files written, the manifest last.
        """
        from PIL import Image

        from explain.overlay import tiles
        from explain.saving import begun, write_manifest

        folder = begun(folder)
        addresses = [layer.address for layer in self.layers]
        files = []
        for rule in self.rules:
            labels = addresses if rule in self.maps else ["input"]
            for picture in range(len(self.pictures)):
                drawn = [self.overlay(address if rule in self.maps else None, rule, picture) for address in labels]
                files.append(folder / f"{re.sub(r'[^a-z0-9+-]', '_', rule)}-{picture}.png")
                Image.fromarray(tiles(drawn, columns, labels=labels)).save(files[-1])
        raw: dict[str, Any] = {
            f"{rule}/{address}": maps for rule, layers in self.maps.items() for address, maps in layers.items()
        }
        raw.update(self.attributions)
        files.append(folder / "maps.npz")
        np.savez_compressed(
            files[-1],
            probabilities=self.probabilities,
            scores=self.scores,
            targets=self.targets,
            layers=np.array(addresses),
            depths=np.array([layer.depth for layer in self.layers], np.float32),
            **raw,
        )
        files.append(write_manifest(folder, {"kind": "explanation", **self.manifest(), **(about or {})}, files))
        return files

    def manifest(self) -> dict[str, Any]:
        """What was explained and what it cost, able to be JSON.

        Returns:
            `model` (id and digest, or null), `pictures` (size as the model sees them, digest of these pixels, target
            as number and name, probability, score), `layers`, `rules` (their costs), and `residuals` by rule.
        """
        return {
            "model": None if self.origin is None else asdict(self.origin),
            "pictures": [self._manifest_of(picture) for picture in range(len(self.pictures))],
            "layers": [
                {"address": layer.address, "depth": layer.depth, "shape": list(layer.shape)} for layer in self.layers
            ],
            "rules": {rule: asdict(self.cost[rule]) if rule in self.cost else {} for rule in self.rules},
            "residuals": {rule: [float(value) for value in values] for rule, values in self.residuals.items()},
        }

    def _manifest_of(self, picture: int) -> dict[str, Any]:
        target = int(self.targets[picture])
        return {
            "size": list(self.pictures.shape[1:3]),
            "sha256": hashlib.sha256(np.ascontiguousarray(self.pictures[picture]).tobytes()).hexdigest(),
            "target": target if target >= 0 else None,
            "name": self.classes[target] if self.classes and target >= 0 else None,
            "probability": float(self.probabilities[picture, target]) if target >= 0 else None,
            "score": float(self.scores[picture]),
        }

    def __repr__(self) -> str:
        height, width = self.pictures.shape[1:3]
        count = len(self.pictures)
        parts = [f"{', '.join(self.attributions)} on the input"] if self.attributions else []
        if self.maps:
            on = f"on {len(self.layers)} layer{'s' * (len(self.layers) != 1)}"
            ends = f"{self.layers[0].address} to {self.layers[-1].address}"
            parts.insert(0, f"{', '.join(self.maps)} {on}, {ends}")
        lines = [f"Explanation of {count} picture{'s' * (count != 1)}, {height} x {width}: {'; '.join(parts)}"]
        lines += [f"  {index}: {self._told(index)}" for index in range(min(count, 5))]
        lines += ["  ..."] * (count > 5)
        for rule, missed in self.residuals.items():
            if (share := float(missed.max())) > COMPLETE:
                lines.append(f"  {rule} leaves up to {100 * share:.0f}% of the score's rise unexplained")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from explain.view.notebook import of_explanation

        return of_explanation(self)

    def _told(self, picture: int) -> str:
        """One picture in a line: what is explained, and how many of its maps are zero everywhere."""
        target, score = self.targets[picture], self.scores[picture]
        every = [*(maps for layers in self.maps.values() for maps in layers.values()), *self.attributions.values()]
        empty = sum(not maps[picture].any() for maps in every)
        zero = f", {empty} map{'s' * (empty != 1)} zero everywhere" if empty else ""
        if target < 0:
            return f"score {score:.3g}{zero}"
        name = self.classes[target] if self.classes else f"class {target}"
        return f"{name} {self.probabilities[picture, target]:.1%}, score {score:.3g}{zero}"


def drawable(picture: np.ndarray) -> np.ndarray:
    """A picture as uint8 RGB: floats from their least to their greatest value, other than three channels as grey."""
    if picture.dtype != np.uint8:
        low, high = picture.min(), picture.max()
        picture = ((picture - low) * (255.0 / max(high - low, np.finfo(np.float32).tiny))).astype(np.uint8)
    if picture.shape[-1] != 3:
        picture = np.repeat(picture.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    return picture
