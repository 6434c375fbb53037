"""Winograd's convolutions: the same function as TensorFlow's own, for maps of any size."""

import numpy as np
import pytest
import tensorflow as tf

from training.models.winograd import TRANSFORMS, convolve


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
