"""Layers that train faster: the same function, gradients and statistics as Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.models import build
from training.models.fast import (
    FastBatchNormalization,
    FastConv2D,
    FastDepthwiseConv2D,
    FastPointwiseConv2D,
    FastSwish,
    convolve_depthwise,
    convolve_small,
)
from training.models.vgg16 import vgg16
from training.recipe import Model


def gradients(layer, x, **training):
    """Output in training, and the gradients of the input and of each weight."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, **training)
        loss = tf.reduce_sum(y * tf.cos(y))
    return [y, *tape.gradient(loss, [x, *(variable.value for variable in layer.trainable_variables)])]


def closest(actual, expected, share):
    """Equal within a share of the largest of the expected values."""
    actual, expected = (np.asarray(tf.cast(values, tf.float32)) for values in (actual, expected))
    np.testing.assert_allclose(actual, expected, atol=share * np.abs(expected).max())


def trains_alike(fast, plain, x, share):
    """With the same weights, both layers give the same in training: outputs, gradients, their dtypes."""
    plain(x), fast(x)
    fast.set_weights(plain.get_weights())
    for a, b in zip(gradients(fast, x, training=True), gradients(plain, x), strict=True):
        assert a.dtype == b.dtype
        closest(a, b, share)


def have_the_same_gradients(function, expected, x, kernel):
    """Both functions of x and a kernel give the same, and so do their gradients."""
    x, kernel = (tf.constant(values, tf.float32) for values in (x, kernel))
    results = []
    for convolve in (function, expected):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolve(x, kernel)
            loss = tf.reduce_sum(tf.sin(y))
        results.append([y, *tape.gradient(loss, [x, kernel])])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize(
    ("policy", "side", "share"), [("float32", 10, 1e-4), ("float32", 4, 1e-4), ("mixed_bfloat16", 4, 0.02)]
)
def test_a_convolution_trains_as_keras_own_and_is_keras_own_outside_of_training(policy, side, share):
    options = {"filters": 7, "kernel_size": 3, "padding": "same", "activation": "relu", "bias_initializer": "normal"}
    plain, fast = (kind(**options, dtype=policy) for kind in (keras.layers.Conv2D, FastConv2D))
    x = np.random.default_rng(1).normal(size=(4, side, 7, 5)).astype(np.float32)
    trains_alike(fast, plain, x, share)
    np.testing.assert_array_equal(plain(x), fast(x, training=False))


@pytest.mark.parametrize(("policy", "share"), [("float32", 1e-5), ("mixed_bfloat16", 0.02)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_pointwise_convolution_trains_as_keras_own(policy, share, bias):
    options = {"activation": "swish", "use_bias": bias, "bias_initializer": "normal", "dtype": policy}
    plain, fast = (kind(7, 1, **options) for kind in (keras.layers.Conv2D, FastPointwiseConv2D))
    x = np.random.default_rng(1).normal(size=(4, 3, 6, 5)).astype(np.float32)
    trains_alike(fast, plain, x, share)
    np.testing.assert_array_equal(plain(x), fast(x, training=False))


@pytest.mark.parametrize(
    ("kernel", "stride", "side"), [(5, 1, 4), (5, 2, 8), (5, 2, 7), (3, 1, 2), (3, 2, 1), (3, 1, 6)]
)
def test_a_depthwise_convolution_trains_as_keras_own(kernel, stride, side):
    plain, fast = (
        kind(kernel, stride, "same", use_bias=False) for kind in (keras.layers.DepthwiseConv2D, FastDepthwiseConv2D)
    )
    x = np.random.default_rng(1).normal(size=(4, side, max(1, side - 1), 5)).astype(np.float32)
    trains_alike(fast, plain, x, 1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(4, 4), (3, 8), (1, 1), (9, 2)])
@pytest.mark.parametrize("side", [3, 5])
def test_the_gradients_of_a_depthwise_convolution_on_small_maps(side, size, stride):
    rng = np.random.default_rng(0)
    have_the_same_gradients(
        lambda x, kernel: convolve_depthwise(x, kernel, stride),
        lambda x, kernel: tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME"),
        rng.normal(size=(3, *size, 5)),
        rng.normal(size=(side, side, 5, 1)),
    )


@pytest.mark.parametrize("shape", [(3, 4, 4, 5), (2, 3, 8, 2), (2, 1, 1, 3)])
def test_the_gradients_of_a_convolution_on_small_maps(shape):
    rng = np.random.default_rng(0)
    have_the_same_gradients(
        convolve_small,
        lambda x, kernel: tf.nn.conv2d(x, kernel, 1, "SAME"),
        rng.normal(size=shape),
        rng.normal(size=(3, 3, shape[-1], 6)),
    )


@pytest.mark.parametrize(("policy", "share"), [("float32", 1e-5), ("mixed_bfloat16", 0.02)])
def test_a_normalization_trains_as_keras_own_and_stores_the_same_statistics(policy, share):
    """Few pictures, so that the biased and the unbiased estimate of the variance are 9 % apart."""
    plain, fast = (kind(dtype=policy) for kind in (keras.layers.BatchNormalization, FastBatchNormalization))
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, (3, 2, 2, 5)).astype(np.float32)
    plain(x), fast(x)
    weights = [rng.uniform(0.5, 2, 5).astype(np.float32) for _ in range(4)]
    plain.set_weights(weights), fast.set_weights(weights)
    for a, b in zip(gradients(fast, x, training=True), gradients(plain, x, training=True), strict=True):
        assert a.dtype == b.dtype
        closest(a, b, share)
    for a, b, before in zip(fast.get_weights()[2:], plain.get_weights()[2:], weights[2:], strict=True):
        assert not np.allclose(b, before, rtol=1e-3)
        np.testing.assert_allclose(a, b, rtol=max(1e-5, share / 10))
    np.testing.assert_array_equal(plain(x), fast(x))


def test_a_normalization_that_is_not_trained_keeps_its_statistics():
    layer = FastBatchNormalization()
    x = np.random.default_rng(0).normal(size=(2, 2, 2, 3)).astype(np.float32)
    layer(x)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_allclose(layer(x, training=True), layer(x, training=False))
    np.testing.assert_array_equal(before, layer.get_weights())


def test_a_swish_is_keras_own_and_so_is_its_gradient():
    x = np.random.default_rng(0).normal(0, 4, (3, 4, 4, 5)).astype(np.float32)
    for a, b in zip(gradients(FastSwish(), x), gradients(keras.layers.Activation("swish"), x), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_network_fits_as_with_keras_own(policy):
    """Two steps of model.fit, the whole way that a training takes."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(8, 6, 6, 3)).astype(np.float32), rng.normal(size=(8, 1))
    results = []
    for convolution, norm in (
        (keras.layers.Conv2D, keras.layers.BatchNormalization),
        (FastConv2D, FastBatchNormalization),
    ):
        keras.utils.set_random_seed(4)
        parts = [keras.Input((6, 6, 3)), convolution(4, 3, padding="same", dtype=policy), norm(dtype=policy)]
        model = keras.Sequential([*parts, keras.layers.Flatten(), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_allclose(plain, fast, atol=1e-4 if policy == "float32" else 0.02)


@pytest.mark.parametrize("name", ["efficientnet-small-baseline", "cnn-residual"])
def test_a_network_is_fast_in_training_and_keras_own_as_it_is_saved(name):
    plain, fast = (build(Model(name), ("cat", "dog"), 32, training=training) for training in (False, True))
    kinds = [{type(layer).__name__ for layer in network.layers} for network in (plain, fast)]
    assert "BatchNormalization" in kinds[0]
    assert "FastBatchNormalization" in kinds[1]
    assert "BatchNormalization" not in kinds[1]
    for kind in ("FastSwish", "FastPointwiseConv2D", "FastDepthwiseConv2D"):
        assert (kind in kinds[1]) == name.startswith("efficientnet")
    assert not any(kind.startswith("Fast") for kind in kinds[0])
    assert [(w.path, w.shape) for w in plain.weights] == [(w.path, w.shape) for w in fast.weights]


@pytest.mark.slow
def test_vgg16_trains_with_the_same_weights_in_the_same_order():
    plain, fast = vgg16(1, 32, 0.0), vgg16(1, 32, 0.0, fast=True)
    assert [v.path.partition("/")[2] for v in plain.weights] == [v.path.partition("/")[2] for v in fast.weights]
    assert sum(isinstance(layer, FastConv2D) for layer in fast.layers) == 10
    fast.set_weights(plain.get_weights())
    x = np.random.default_rng(2).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(plain(x), fast(x))
    np.testing.assert_allclose(plain(x, training=True), fast(x, training=True), atol=1e-3)
