"""Networks by the name a recipe gives them."""

import keras

from training.recipe import Model


def build(model: Model, classes: tuple[str, ...], size: int, training: bool = False) -> keras.Model:
    """A network with fresh weights; two classes are one sigmoid unit (the second class's probability).

    Args:
        model: the recipe's.
        classes: names of the classes.
        size: height and width of the input in pixels.
        training: as it is trained, which may be other layers with the same weights in the same order (see `folded`),
            and not as it is saved.

    Raises:
        KeyError: for a name that no family knows.
    """
    family, _, variant = model.name.partition("-")
    units = 1 if len(classes) == 2 else len(classes)
    if family == "efficientnet":
        from training.models.efficientnet import efficientnet

        frozen = training and model.frozen_statistics
        return efficientnet(variant, units, size, model.dropout, model.drop_connect, frozen)
    if family == "vgg16":
        from training.models.vgg16 import vgg16

        return vgg16(units, size, model.dropout)
    raise KeyError(f"There is no network called {model.name}.")


def assign_initial(network: keras.Model, model: Model, classes: tuple[str, ...], size: int) -> str:
    """Give a fresh network the initial weights that the recipe names.

    Returns:
        Source and licence, for the card.
    """
    if not model.weights:
        return "none: trained from scratch"
    from training.models import imagenet_weights

    plain = build(model, classes, size)
    plain.set_weights(network.get_weights())
    source = imagenet_weights.assign(plain, model.name.partition("-")[2])
    network.set_weights(plain.get_weights())
    return source
