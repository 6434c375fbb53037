"""The rules by which maps are made: one small function each, registered where it is written.

Library, page and tests read `RULES`. A function's arguments say what the rule needs (see `Rule`), its docstring gives
the equation and the paper. In the equations A is a layer's activations, G = dy/dA the gradients of the explained score
y, x the picture as the model takes it, k a channel, i and j are places, and ReLU(z) = max(z, 0).

TensorFlow is imported only when a rule runs.
"""

from explain.rules import attention, cams, decompositions, gradients, probes
from explain.rules.registry import (
    NEEDS,
    ONE_PASS,
    RULES,
    Attribution,
    Level,
    Need,
    Passes,
    Rule,
    paired_rules,
    register,
    rule_names,
)
from explain.rules.sampling import with_noise

__all__ = [
    "NEEDS",
    "ONE_PASS",
    "RULES",
    "Attribution",
    "Level",
    "Need",
    "Passes",
    "Rule",
    "attention",
    "cams",
    "decompositions",
    "gradients",
    "paired_rules",
    "probes",
    "register",
    "rule_names",
    "with_noise",
]
