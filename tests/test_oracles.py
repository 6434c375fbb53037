"""Two other libraries as judges of the rules that they share with this one, to 1e-4; where they differ, it is said how.

They are installed into a folder of their own, beside the versions that this project runs with, and asked by a process
of its own. Both resize and normalise what they give; what is compared is what they hold before that.
"""

import os
import subprocess
import sys

import pytest

COMMON = """
import sys
sys.path.insert(0, "tests")
import keras, nets, numpy as np, tensorflow as tf
from explain import explain

model = nets.convolutional(activation="relu", size=(12, 16))
batch = np.random.default_rng(3).uniform(0, 1, (3, 12, 16, 3)).astype(np.float32)
logits = keras.Model(model.input, nets.dense(*model.get_layer("head").get_weights())(model.get_layer("head").input))
TARGET, LAYER = 1, "conv1"

def ours(rule, **parameters):
    explanation = explain(model, batch, TARGET, LAYER, rule, parameters={rule: parameters})
    return explanation.attributions[rule] if explanation.attributions else explanation.maps[rule][LAYER]

def alike(rule, theirs, near=1e-4, **parameters):
    maps, theirs = ours(rule, **parameters), np.asarray(theirs, np.float32).reshape(3, *np.asarray(theirs).shape[1:3])
    far = np.abs(maps - theirs).max() / np.abs(theirs).max()
    assert theirs.any() and far <= near, (rule, far)

def unlike(rule, theirs):
    theirs = np.asarray(theirs, np.float32).reshape(3, *np.asarray(theirs).shape[1:3])
    assert np.abs(ours(rule) - theirs).max() > 1e-2 * np.abs(theirs).max(), rule
"""

TF_KERAS_VIS = """
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore

score = CategoricalScore([TARGET] * 3)
raw = {"penultimate_layer": LAYER, "expand_cam": False, "normalize_cam": False}
alike("gradcam", Gradcam(logits, clone=True)(score, batch, **raw))
alike("layercam", Layercam(logits, clone=True)(score, batch, **raw))
alike("gradient", Saliency(logits, clone=True)(score, batch, normalize_map=False))

# Grad-CAM++: it lets the shares alpha of a channel sum to 1, as the authors' code does and their equation 10 does not,
# and keeps the factor exp(y). From our activations, gradients and scores with both, its maps come out.
from explain import Classifier

theirs = np.asarray(GradcamPlusPlus(logits, clone=True)(score, batch, **raw))
unlike("gradcam++", theirs)
classifier, classes = Classifier(model, LAYER), np.full(3, TARGET)
[(A, G)] = classifier.taps(batch, classes)
below = 2 * G**2 + G**3 * A.sum((1, 2), keepdims=True)
alpha = np.divide(G**2, below, out=np.zeros_like(G), where=G != 0)
total = alpha.sum((1, 2), keepdims=True)
alpha = np.divide(alpha, total, out=np.zeros_like(G), where=total != 0)
weights = (alpha * np.maximum(G, 0)).sum((1, 2)) * np.exp(classifier.scores(batch, classes))[:, None]
expected = np.maximum(np.einsum("nhwc,nc->nhw", A, weights), 0)
assert np.abs(expected - theirs).max() <= 1e-4 * np.abs(theirs).max()

# Score-CAM: it weighs channels by a softmax over the classes; the paper, and ours, by one over the channels.
unlike("scorecam", Scorecam(logits)(score, batch, **raw))
print("all well")
"""

XPLIQUE = """
from xplique.attributions import GradCAM, GradCAMPP, GradientInput, GuidedBackprop, IntegratedGradients, Occlusion
from xplique.attributions import Rise, Saliency
from xplique.attributions.fem import FEM

targets = np.eye(3, dtype=np.float32)[[TARGET] * 3]
alike("gradient-input", GradientInput(logits, reducer="sum")(batch, targets))
alike("gradient", Saliency(logits, reducer="max")(batch, targets))
alike("guided-backprop", np.abs(GuidedBackprop(logits, reducer=None)(batch, targets)).max(-1))

# Integrated gradients: it takes equal trapezoids, we narrow them where they miss most: alike in the limit.
theirs = IntegratedGradients(logits, steps=512, reducer="sum")(batch, targets)
alike("integrated-gradients", theirs, 2e-2, steps=512, tolerance=0.0)

# Occlusion: where windows overlap it takes their sum, we the mean. Its stay within the picture.
theirs = Occlusion(logits, patch_size=(3, 4), patch_stride=(3, 4), occlusion_value=0.0)(batch, targets)
alike("occlusion", theirs, window=0.25, stride=0.25, fill=0.0)

# RISE: masks are drawn otherwise, and theirs are a little larger: alike as far as chance goes.
theirs = Rise(model, nb_samples=4000, grid_size=4, batch_size=40)(batch, targets)
for mine, its in zip(ours("rise", masks=4000, cells=3), np.asarray(theirs), strict=True):
    assert np.corrcoef(mine.ravel(), its.ravel())[0, 1] > 0.95
    assert 0.8 < np.ptp(mine) / np.ptp(its) < 1.25

judge = GradCAM(logits, conv_layer=LAYER)
A, G = judge._gradient(tf.constant(batch), tf.constant(targets))
alike("gradcam", GradCAM._apply_weights(GradCAM._compute_weights(G, A), A))
unlike("gradcam++", GradCAM._apply_weights(GradCAMPP._compute_weights(G, A), A))

# Grad-CAM++: it takes the mean of the activations, where the paper's equation 19 has their sum. With the sum, and up to
# the mean over places in place of the sum for the weights, it is ours.
places = A.shape[1] * A.shape[2]
weights = GradCAMPP._compute_weights(G, A * places) * places
alike("gradcam++", GradCAM._apply_weights(weights, A))

judge = FEM(logits, conv_layer=LAYER)
theirs = FEM._apply_weights(*FEM._compute_weights(tf.constant(A), tf.constant(2.0)))
alike("fem", theirs)
print("all well")
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    target = tmp_path_factory.mktemp("peers")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    made = subprocess.run([*install, "-r", "benchmarks/peers.txt"], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the other libraries cannot be installed here: {made.stderr.strip().splitlines()[-1:]}")
    return target


@pytest.mark.slow
@pytest.mark.parametrize("judge", [TF_KERAS_VIS, XPLIQUE], ids=["tf-keras-vis", "xplique"])
def test_rules_are_those_of_others(judge, packages):
    """What is there already comes first: their packages must not stand in for ours."""
    code = f"import sys\nsys.path.append({str(packages)!r})\n{COMMON}{judge}"
    surroundings = os.environ | {"PYTHONPATH": os.getcwd()}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=surroundings)
    assert "all well" in ran.stdout, ran.stderr[-3000:]
