"""Models that are no plain function from a picture to classes: several inputs and outputs, channels first."""

import keras
import nets
import numpy as np
import pytest
from keras import layers

from explain.engine import explain
from explain.errors import ModelError
from explain.narrow import narrowed

AGE = np.array([3.0], np.float32)


def several():
    """Picture and age in, species and colour out; the species' first logit is that of `nets`, and thrice the age."""
    image, age = keras.Input((2, 2, 2), name="image"), keras.Input((1,), name="age")
    y = layers.Flatten()(nets.identity(activation="relu")(image))
    of_age = nets.dense([[3, 0, 0]], name="of_age")(age)
    species = layers.Softmax(name="species")(layers.Add()([nets.head(None)(y), of_age]))
    colour = nets.dense(np.ones((8, 1)), name="colour", activation="sigmoid")(y)
    return keras.Model({"image": image, "age": age}, {"species": species, "colour": colour}, name="net")


@pytest.fixture(scope="module")
def model():
    return several()


def test_inputs_and_outputs_are_named(model):
    explanation = explain(
        narrowed(model, "image", "species", {"age": AGE}), nets.PICTURE, 0, "net/features", "hirescam"
    )
    np.testing.assert_allclose(explanation.scores, [1 + 3 * 3])
    np.testing.assert_allclose(explanation.map(), nets.MAPS["hirescam"], rtol=1e-5)
    other = explain(narrowed(model, output="colour", fixed={"age": 0}), nets.PICTURE, 1, rules="hirescam")
    np.testing.assert_allclose(other.map(), nets.PICTURE[0].sum(-1))
    assert other.probabilities.shape == (1, 2)


def test_every_picture_of_a_batch_has_the_fixed_values(model):
    batch = np.repeat(nets.PICTURE, 5, 0)
    explanation = explain(narrowed(model, "image", "species", {"age": AGE}), batch, 0, "net/features")
    np.testing.assert_allclose(explanation.scores, [10] * 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("image",), "inputs age, image"),
        (("picture", "species", {"age": 1}), "inputs age, image"),
        (("image", "species", {"age": 1, "size": 2}), "inputs age, image"),
        (("image", None, {"age": 1}), "One of the outputs is explained: "),
        (("image", "kind", {"age": 1}), "One of the outputs is explained: "),
    ],
)
def test_names_that_are_none_are_refused(model, given, message):
    with pytest.raises(ValueError, match=message):
        narrowed(model, *given)


def test_a_subclassed_model_has_no_names():
    with pytest.raises(TypeError, match="functional"):
        narrowed(nets.Subclassed())


def test_what_narrows_is_named_where_a_model_is_refused(model):
    with pytest.raises(ModelError, match="narrowed"):
        explain(model, nets.PICTURE)
    x = keras.Input((2, 2, 2))
    y = layers.Flatten()(nets.identity(activation="relu")(x))
    with pytest.raises(ModelError, match="narrowed"):
        explain(keras.Model(x, [layers.Dense(2)(y), layers.Dense(2)(y)]), nets.PICTURE)


@pytest.mark.parametrize("first", ["input", "permuted", "nested"])
def test_channels_first_is_said_to_be_no_way(first):
    """Not even where the pictures come channels last: its maps would be read in the wrong order."""
    options = {"data_format": "channels_first"}
    x = keras.Input((3, 8, 10) if first == "input" else (8, 10, 3))
    y = x if first == "input" else layers.Permute((3, 1, 2))(x)
    features = layers.Conv2D(4, 3, name="features", **options)
    if first == "nested":
        z = keras.Input((3, 8, 10))
        features = keras.Model(z, features(z), name="backbone")
    y = layers.GlobalAveragePooling2D(**options)(features(y))
    model = keras.Model(x, layers.Dense(2, activation="softmax")(y))
    with pytest.raises(ModelError, match="channels before height and width"):
        explain(model, np.zeros((8, 10, 3), np.uint8))
