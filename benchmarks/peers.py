"""Grad-CAM of several layers by other libraries: what engine.py measures ours against.

They are given what is best for them: a flat model of logits, what can be made beforehand made, maps neither resized nor
normalised where that can be said.
"""

import importlib.metadata
import sys


def find(folder):
    """Their names and versions, importable from now on; what this project has itself comes first."""
    sys.path.append(str(folder))
    return {name: importlib.metadata.version(name) for name in WAYS}


def tf_keras_vis(model, layers, batch, target):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    gradcam, score = Gradcam(model, clone=True), CategoricalScore([target] * len(batch))
    raw = {"expand_cam": False, "normalize_cam": False}
    return lambda: [gradcam(score, batch, penultimate_layer=layer, **raw) for layer in layers]


def xplique(model, layers, batch, target):
    import numpy as np
    from xplique.attributions import GradCAM

    targets = np.eye(model.output_shape[1], dtype=np.float32)[[target] * len(batch)]
    ready = [GradCAM(model, conv_layer=layer) for layer in layers]
    return lambda: [gradcam(batch, targets) for gradcam in ready]


WAYS = {"tf-keras-vis": tf_keras_vis, "xplique": xplique}
