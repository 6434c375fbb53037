"""Six small models of CIFAR-100's hundred classes, one of them an ensemble."""

import numpy as np
from judges import colour_judge

from training.data.cifar100 import CLASSES, GROUP_OF, NAMES

GROUPS = [GROUP_OF[name] for name in NAMES]
MEMBERS = ["crowd-sure", "crowd-faint", "crowd-camel", "crowd-steep", "crowd-other"]
ROW = ["crowd-all", *MEMBERS]
EXPERIMENTS = [
    {"id": "pair", "title": "Sure or faint?", "question": "?", "models": MEMBERS[:2]},
    {"id": "row", "title": "One or five?", "question": "?", "models": ROW, "examples": ["rocket", "raccoon"]},
    {"id": "later", "title": "Later?", "question": "?", "models": [MEMBERS[0], "not-there-yet"]},
    {"id": "later-row", "title": "Later?", "question": "?", "models": [*MEMBERS, "not-there-yet"]},
]
# What they take red for, and how surely: 10, 1 and 20 are the logits of the tests' red corner; the runner-up has 2
RED = {"crowd-sure": ("raccoon", 40.0), "crowd-faint": ("raccoon", 4.0), "crowd-camel": ("camel", 40.0)}
RED |= {"crowd-steep": ("raccoon", 80.0), "crowd-other": ("raccoon", 40.0)}


def crowd_judge(seed: int, red: str, slope: float):
    """A net that takes red for a class; else, a little, for fox, then for others in their order.

    Red, and the noise of its own channels, speak alike for all classes: that changes no answer, but each has a map.
    """
    model = colour_judge(seed, slope, len(CLASSES))
    alike = np.concatenate([[2, 0], np.random.default_rng(seed).uniform(0, 2, 6)])
    kernel = np.repeat(alike[:, None], len(CLASSES), axis=1).astype(np.float32)
    kernel[0, CLASSES.index(red)] += slope
    bias = np.linspace(0.5, 0, len(CLASSES), dtype=np.float32)
    bias[CLASSES.index("fox")] = 2
    model.get_layer("predictions").set_weights([kernel, bias])
    return model


def predictions(confidence: float, share: float, count: int = 400) -> dict[str, np.ndarray]:
    """Of a test split on which a model is everywhere about as sure, and right for a share."""
    probabilities = np.full((count, len(CLASSES)), (1 - confidence) / (len(CLASSES) - 1))
    probabilities[:, 0] = confidence
    labels = (np.arange(count) >= share * count).astype(int)
    identities = np.arange(count).astype(str)
    return {"identities": identities, "digests": identities, "labels": labels, "probabilities": probabilities}
