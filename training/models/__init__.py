"""Networks by the name a recipe gives them: a family, and after a hyphen its variant."""

from collections.abc import Callable, Collection
from typing import NamedTuple

import keras

from training.models import fast, imagenet_weights
from training.models import published as publications
from training.models.cnn import PLANS, cnn
from training.models.efficientnet import VARIANTS, efficientnet
from training.models.published import PUBLISHED, published
from training.models.vgg16 import vgg16
from training.recipe import Model, RecipeError


class Family(NamedTuple):
    """Networks of one builder.

    Attributes:
        variants: their names; empty for a family of one.
        build: from the variant's name, units of the head, size, `training` (see `build`), the recipe's `Model` and
            what `_ends` makes of it.
    """

    variants: Collection[str]
    build: Callable[..., keras.Model]


def _ends(model: Model) -> dict:
    """What all builders take alike."""
    return {
        "dropout": model.dropout,
        "unit": model.preprocessing == "unit",
        "input_size": model.input,
        "hidden": model.hidden,
        "standardise": model.frozen,
    }


def _efficientnet(variant: str, units: int, size: int, training: bool, model: Model, **ends: object) -> keras.Model:
    frozen = training and model.frozen_statistics
    own = {"drop_connect": model.drop_connect, "frozen_statistics": frozen, "norm_first": model.norm_first}
    return efficientnet(variant, units, size, fast=training and fast.helps(), **own, **ends)


def _published(variant: str, units: int, size: int, training: bool, model: Model, **ends: object) -> keras.Model:
    return published(variant, units, size, norm_first=model.norm_first, **ends)


def _vgg16(variant: str, units: int, size: int, training: bool, model: Model, **ends: object) -> keras.Model:
    return vgg16(units, size, fast=training and fast.helps(), **ends)


def _cnn(variant: str, units: int, size: int, training: bool, model: Model, **ends: object) -> keras.Model:
    return cnn(variant, units, size, fast=training and fast.helps(), **ends)


FAMILIES = {
    "efficientnet": Family(VARIANTS, _efficientnet),
    "vgg16": Family((), _vgg16),
    "cnn": Family(PLANS, _cnn),
    "published": Family(PUBLISHED, _published),
}


def known() -> list[str]:
    """All names."""
    return [f"{name}-{variant}" for name, family in FAMILIES.items() for variant in family.variants] + [
        name for name, family in FAMILIES.items() if not family.variants
    ]


def build(model: Model, classes: tuple[str, ...], size: int, training: bool = False) -> keras.Model:
    """A network with fresh weights; two classes are one sigmoid unit (the second class's probability).

    Args:
        model: the recipe's.
        classes: names of the classes.
        size: height and width in pixels that the network sees.
        training: as it is trained, which may be other layers with the same weights in the same order (see `folded`),
            and not as it is saved.

    Raises:
        RecipeError: for a name that no family knows, or a preprocessing that there is not.
    """
    if model.preprocessing not in ("", "unit"):
        raise RecipeError(f"There is no preprocessing {model.preprocessing!r}. There are: '' (the family's own), unit.")
    if model.name not in known():
        raise RecipeError(f"There is no network {model.name!r}. There are: {', '.join(known())}.")
    family, _, variant = model.name.partition("-")
    units = 1 if len(classes) == 2 else len(classes)
    return FAMILIES[family].build(variant, units, size, training, model, **_ends(model))


def assign_initial(network: keras.Model, model: Model, classes: tuple[str, ...], size: int) -> str:
    """Give a fresh network the initial weights that the recipe names.

    Returns:
        Source and licence, for the card.

    Raises:
        RecipeError: for weights that there are not.
    """
    if not model.weights:
        return "none: trained from scratch"
    family, _, variant = model.name.partition("-")
    if model.weights != "imagenet" or family not in ("efficientnet", "published"):
        raise RecipeError(
            f"There are no {model.weights!r} weights for {model.name}; efficientnet and published have imagenet's."
        )
    if family == "published":
        return publications.assign(network, variant)
    plain = build(model, classes, size)
    plain.set_weights(network.get_weights())
    source = imagenet_weights.assign(plain, variant)
    network.set_weights(plain.get_weights())
    return source


def train_from(network: keras.Model, beginning: str) -> None:
    """Train a network's weights from a layer on, and no BatchNormalization before the head: it stays in inference mode.

    Args:
        network: built by `build`.
        beginning: how that layer's name begins, e.g. "block7" or "head"; "": everything is trained.

    Raises:
        RecipeError: when no layer is called so.
    """
    if not beginning:
        return
    start, head = first_trained(network, beginning), _head(network)
    for k, layer in enumerate(network.layers):
        norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = k >= start and (k >= head or not norm)


def first_trained(network: keras.Model, beginning: str) -> int:
    """The place among a network's layers of the first one that `train_from` trains."""
    head = _head(network)
    starts = [k for k, layer in enumerate(network.layers) if layer.name.startswith(beginning)]
    if beginning == "head":
        starts = [head] if head < len(network.layers) else []
    if not starts:
        raise RecipeError(f"No layer of {network.name} is called {beginning}..., so nothing is trained from there on.")
    return starts[0]


def _head(network: keras.Model) -> int:
    """The place of the first layer behind the backbone."""
    names = [layer.name for layer in network.layers]
    return next((k for k, name in enumerate(names) if name in ("head_norm", "avg_pool")), len(names))
