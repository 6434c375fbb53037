"""Layers that train faster on a CPU than Keras' own: the same function, the same weights in the same order.

They stand in a network only while it is trained; what is saved is made of Keras' own. In float32 wide convolutions go
Winograd's way. In bfloat16 the gradient of a kernel on small maps is nine matrix products, where TensorFlow's own is
slow: 26 ms against 114 to 133 ms for 512 channels on 4 x 4 places, batches of 128, two cores with AMX.
BatchNormalization is one operation of TensorFlow's, where Keras' is a dozen that each read the whole map: a step of
EfficientNet's small compound variant takes 0.65 to 0.80 s so, and 1.0 s with Keras' own. So is the gradient of swish:
16 ms on 25 million values, not 48. A depthwise kernel's gradient on maps not much larger than the kernel is one matrix
product a channel: 3 ms, not 36, for 5 x 5 kernels and 576 channels on 4 x 4 places, batches of 64, two cores with AVX2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers

from training.hardware import accelerators
from training.models import winograd

if TYPE_CHECKING:
    import tensorflow as tf

SMALL = 8  # side of a map up to which matrix products are faster


def helps() -> bool:
    """Whether these layers are faster here: on a CPU, by TensorFlow."""
    return keras.backend.backend() == "tensorflow" and not accelerators()


def helps_depthwise(input_shape: tuple, kernel: int) -> bool:
    """Whether `convolve_depthwise` is faster than TensorFlow's own for maps of this shape and a kernel of this side."""
    side = max(input_shape[1:3])
    return side <= SMALL if kernel > 3 else side < kernel


class FastConv2D(layers.Conv2D):
    """A Conv2D of 3 x 3, stride 1 and "same" padding that trains faster; outside of training it is Conv2D's."""

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self._fast = None
        if self.compute_dtype == "float32":
            import tensorflow as tf

            @tf.function(jit_compile=True, autograph=False)
            def fast(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
                return self.activation(winograd.convolve(x, kernel) + bias)

            self._fast = fast
        elif max(input_shape[1:3]) <= SMALL:
            self._fast = lambda x, kernel, bias: self.activation(convolve_small(x, kernel) + bias)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not (training and self._fast):
            return super().call(inputs)
        kernel, bias = (keras.ops.cast(weight, self.compute_dtype) for weight in (self.kernel, self.bias))
        return self._fast(inputs, kernel, bias)


def convolve_small(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """What `tf.nn.conv2d(x, kernel, 1, "SAME")` gives, with a kernel's gradient of one matrix product a place of it.

    Args:
        x: n x h x w x c; h, w and c are known.
        kernel: 3 x 3 x c x k, of the same dtype.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            height, width, channels = x.shape[1:]
            padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
            upstreams = tf.reshape(upstream, [-1, kernel.shape[-1]])
            products = [
                tf.matmul(tf.reshape(padded[:, i : i + height, j : j + width], [-1, channels]), upstreams, True)
                for i in range(3)
                for j in range(3)
            ]
            return (
                tf.nn.conv2d_transpose(upstream, kernel, tf.shape(x), 1, "SAME"),
                tf.reshape(tf.stack(products), kernel.shape),
            )

        return tf.nn.conv2d(x, kernel, 1, "SAME"), gradient

    return convolution(x, kernel)


class FastPointwiseConv2D(layers.Conv2D):
    """A Conv2D of 1 x 1 and stride 1 that trains faster: one matrix product; outside of training it is Conv2D's."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return super().call(inputs)
        import tensorflow as tf

        kernel = keras.ops.cast(self.kernel, self.compute_dtype)
        products = tf.matmul(tf.reshape(inputs, [-1, inputs.shape[-1]]), kernel[0, 0])
        outputs = tf.reshape(products, tf.concat([tf.shape(inputs)[:-1], [self.filters]], 0))
        outputs = tf.ensure_shape(outputs, [*inputs.shape[:-1], self.filters])
        if self.bias is not None:
            outputs += keras.ops.cast(self.bias, self.compute_dtype)
        return self.activation(outputs)


class FastDepthwiseConv2D(layers.DepthwiseConv2D):
    """A DepthwiseConv2D of a square kernel and "same" padding, without a bias, that trains faster on small maps."""

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self._fast = helps_depthwise(input_shape, self.kernel_size[0])

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not (training and self._fast):
            return super().call(inputs)
        kernel = keras.ops.cast(self.kernel, self.compute_dtype)
        return self.activation(convolve_depthwise(inputs, kernel, self.strides[0]))


def convolve_depthwise(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """What `tf.nn.depthwise_conv2d` gives with "SAME", with a kernel's gradient of one matrix product a channel.

    The product over pictures holds every place of the input by every place of the output; each value of the kernel
    gets the sum of those pairs that it joins.

    Args:
        x: n x h x w x c; h, w and c are known.
        kernel: k x k x c x 1, of the same dtype.
        stride: along both axes.
    """
    import tensorflow as tf

    how = ([1, stride, stride, 1], "SAME")

    def pairs(side: int) -> np.ndarray:
        """k x side x out: whether a value of the kernel joins a place of the input and one of the output."""
        size, out = kernel.shape[0], -(-side // stride)
        before = max((out - 1) * stride + size - side, 0) // 2
        value, place, output = np.ogrid[:size, :side, :out]
        return place == output * stride + value - before

    @tf.custom_gradient
    def convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            height, width, channels = x.shape[1:]
            joins = np.einsum("iyo,jxq->ijyxoq", pairs(height), pairs(width)).reshape(kernel.shape[0] ** 2, -1)
            inputs = tf.transpose(tf.reshape(x, [-1, height * width, channels]), [2, 1, 0])
            places = upstream.shape[1] * upstream.shape[2]
            upstreams = tf.transpose(tf.reshape(upstream, [-1, places, channels]), [2, 0, 1])
            products = tf.reshape(inputs @ upstreams, [channels, -1])
            return (
                tf.nn.depthwise_conv2d_backprop_input(tf.shape(x), kernel, upstream, *how),
                tf.reshape(tf.matmul(tf.constant(joins, x.dtype), products, transpose_b=True), kernel.shape),
            )

        return tf.nn.depthwise_conv2d(x, kernel, *how), gradient

    return convolution(x, kernel)


class FastBatchNormalization(layers.BatchNormalization):
    """A BatchNormalization of maps' last axis that trains faster; elsewhere, and over several devices, it is Keras'."""

    def call(self, inputs: tf.Tensor, training: bool = False, mask: None = None) -> tf.Tensor:
        if not (training and self.trainable) or self.synchronized:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        variance *= (count - 1) / count  # TensorFlow gives the unbiased estimate, Keras keeps the biased
        for stored, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            stored.assign(stored * self.momentum + new * (1 - self.momentum))
        return outputs


class FastSwish(layers.Activation):
    """A swish whose gradient is computed faster."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__("swish", **kwargs)

    def build(self, input_shape: tuple) -> None:
        import tensorflow as tf

        super().build(input_shape)

        @tf.function(jit_compile=True, autograph=False)
        def slope(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
            share = tf.sigmoid(x)
            return upstream * share * (1 + x * (1 - share))

        @tf.custom_gradient
        def swish(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            return tf.nn.silu(x), lambda upstream: slope(x, upstream)

        self._swish = swish

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self._swish(inputs)
