"""The EfficientNet family against its published figures, and against other implementations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.models.efficientnet import VARIANTS, efficientnet
from training.models.imagenet_weights import copy_by_name

# Trainable and stored parameters with 1,000 classes: keras.applications (without the seven of its Normalization
# layer), and the PyTorch originals of the Lite nets (their files' sizes: 4,652,008 trainable, and so on).
PUBLISHED_TOTAL = {"b0": 5_330_564, "b1": 7_856_232, "b2": 9_177_562, "b3": 12_320_528, "b4": 19_466_816}
PUBLISHED_TOTAL |= {"b5": 30_562_520, "b6": 43_265_136, "b7": 66_658_680}
PUBLISHED_TRAINABLE = {"lite0": 4_652_008, "lite1": 5_416_680, "lite2": 6_092_072}


@pytest.mark.parametrize("variant", VARIANTS)
def test_published_parameter_counts(variant):
    model = efficientnet(variant, classes=1000)
    if variant in PUBLISHED_TOTAL:
        assert model.count_params() == PUBLISHED_TOTAL[variant]
    else:
        assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == PUBLISHED_TRAINABLE[variant]


def test_b0_computes_what_keras_applications_computes():
    theirs = keras.applications.EfficientNetB0(weights=None, input_shape=(96, 96, 3), classifier_activation=None)
    rng = np.random.default_rng(0)
    for layer in theirs.layers:  # fresh BatchNormalization would hide a missing statistic
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalization = theirs.get_layer("normalization")
    normalization.set_weights([mean, std**2, np.array(0)])
    normalization.finalize_state()
    ours = efficientnet("b0", classes=1000, size=96)
    copy_by_name(theirs, [layer for layer in ours.layers if layer.weights])
    pictures = rng.uniform(0, 255, (2, 96, 96, 3)).astype("float32")
    logits = theirs(pictures, training=False).numpy()
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(ours(pictures, training=False).numpy(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("variant", ["b0", "lite0"])
def test_folded_network_equals_the_plain_one_in_value_and_gradient(variant):
    plain = efficientnet(variant, classes=1, size=64, dropout=0)
    folded = efficientnet(variant, classes=1, size=64, dropout=0, frozen_statistics=True)
    rng = np.random.default_rng(0)
    for layer in plain.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.8, 1.2, w.shape) for w in layer.get_weights()])
    folded.set_weights(plain.get_weights())
    pictures = rng.uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    gradients = []
    for model, training in ((plain, False), (folded, True)):
        with tf.GradientTape() as tape:
            output = tf.reduce_sum(model(pictures, training=training))
        gradients.append((output, tape.gradient(output, model.trainable_weights)))
    (value, expected), (folded_value, actual) = gradients
    np.testing.assert_allclose(folded_value, value, rtol=1e-4)
    assert [w.name for w in plain.trainable_weights] == [w.name for w in folded.trainable_weights]
    for weight, a, b in zip(plain.trainable_weights, actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=1e-3 * np.abs(b).max() + 1e-9, err_msg=weight.path)
