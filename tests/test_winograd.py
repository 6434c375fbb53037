"""Winograd's convolutions: the same function and gradients as Keras' own, for maps of any size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.models.vgg16 import vgg16
from training.models.winograd import TRANSFORMS, WinogradConv2D, convolve


@pytest.mark.parametrize("out", [2, 4])
def test_the_matrices_filter_a_signal_exactly(out):
    """y = A' ((G g) * (B' d)) in one dimension, for every unit signal and kernel."""
    b, g, a = (np.array(matrix) for matrix in TRANSFORMS[out])
    for signal in np.eye(out + 2):
        for kernel in np.eye(3):
            expected = [signal[i : i + 3] @ kernel for i in range(out)]
            np.testing.assert_allclose(a @ ((g @ kernel) * (b @ signal)), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 4, 4, 5), (2, 3, 4, 2), (2, 8, 8, 3), (1, 9, 14, 4), (2, 5, 6, 1), (2, 1, 1, 3)])
def test_it_is_the_convolution(shape):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    kernel = rng.normal(size=(3, 3, shape[-1], 6)).astype(np.float32)
    np.testing.assert_allclose(convolve(x, tf.constant(kernel)), tf.nn.conv2d(x, kernel, 1, "SAME"), atol=2e-4)


def gradients(layer, x, training):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training) if isinstance(layer, WinogradConv2D) else layer(x)
        loss = tf.reduce_sum(y * tf.cos(y))
    return [y, *tape.gradient(loss, [x, *(variable.value for variable in layer.trainable_variables)])]


def test_a_layer_trains_as_keras_own_and_is_keras_own_outside_of_training():
    options = {"filters": 7, "kernel_size": 3, "padding": "same", "activation": "relu", "bias_initializer": "normal"}
    plain, fast = keras.layers.Conv2D(**options), WinogradConv2D(**options)
    x = np.random.default_rng(1).normal(size=(4, 10, 7, 5)).astype(np.float32)
    plain(x), fast(x)
    fast.set_weights(plain.get_weights())
    for a, b in zip(gradients(plain, x, True), gradients(fast, x, True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3, rtol=1e-4)
    np.testing.assert_array_equal(plain(x), fast(x, training=False))


def test_a_network_fits_as_with_keras_own():
    """Two steps of model.fit, the whole way that a training takes."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(8, 6, 6, 3)).astype(np.float32), rng.normal(size=(8, 1))
    results = []
    for kind in (keras.layers.Conv2D, WinogradConv2D):
        keras.utils.set_random_seed(4)
        parts = [keras.Input((6, 6, 3)), kind(4, 3, padding="same", activation="relu")]
        model = keras.Sequential([*parts, keras.layers.Flatten(), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_allclose(plain, fast, atol=1e-4)


@pytest.mark.slow
def test_vgg16_trains_with_the_same_weights_in_the_same_order():
    plain, fast = vgg16(1, 32, 0.0), vgg16(1, 32, 0.0, winograd=True)
    assert [v.path.partition("/")[2] for v in plain.weights] == [v.path.partition("/")[2] for v in fast.weights]
    assert sum(isinstance(layer, WinogradConv2D) for layer in fast.layers) == 10
    fast.set_weights(plain.get_weights())
    x = np.random.default_rng(2).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(plain(x), fast(x))
    np.testing.assert_allclose(plain(x, training=True), fast(x, training=True), atol=1e-3)
