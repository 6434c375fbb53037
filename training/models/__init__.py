"""Networks by the name a recipe gives them."""

import keras
import tensorflow as tf

from training.models import imagenet_weights
from training.models.cnn import PLANS, cnn
from training.models.efficientnet import VARIANTS, efficientnet
from training.models.vgg16 import vgg16
from training.recipe import Model, RecipeError


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
    unit = model.preprocessing == "unit"
    family, _, variant = model.name.partition("-")
    units = 1 if len(classes) == 2 else len(classes)
    if family == "efficientnet" and variant in VARIANTS:
        frozen = training and model.frozen_statistics
        return efficientnet(
            variant,
            units,
            size,
            model.dropout,
            model.drop_connect,
            frozen,
            unit,
            model.input,
            model.hidden,
            standardise=model.frozen,
        )
    winograd = training and keras.config.dtype_policy().name == "float32" and not tf.config.list_physical_devices("GPU")
    if model.name == "vgg16":
        return vgg16(units, size, model.dropout, unit, winograd)
    if family == "cnn" and variant in PLANS:
        return cnn(variant, units, size, model.dropout, unit, model.input, winograd)
    known = [*(f"efficientnet-{variant}" for variant in VARIANTS), "vgg16", *(f"cnn-{plan}" for plan in PLANS)]
    raise RecipeError(f"There is no network {model.name!r}. There are: {', '.join(known)}.")


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
    if (model.weights, family) != ("imagenet", "efficientnet"):
        raise RecipeError(f"There are no {model.weights!r} weights for {model.name}; efficientnet has imagenet's.")
    plain = build(model, classes, size)
    plain.set_weights(network.get_weights())
    source = imagenet_weights.assign(plain, variant)
    network.set_weights(plain.get_weights())
    return source
