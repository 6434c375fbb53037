"""What a Keras 3 classifier sees: maps for all layers of any model in one pass, and two models side by side.

    from explain import explain
    explanation = explain(model, picture)

TensorFlow is imported when the first model is explained or loaded, not before.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "explain": "engine",
    "Explanation": "explanation",
    "RULES": "rules",
    "Classifier": "classifier",
    "Finer": "targets",
    "compare": "align",
    "common_target": "align",
    "Comparison": "align",
    "removal": "faithfulness",
    "cross_removal": "faithfulness",
    "average_drop": "faithfulness",
    "single_deletion": "faithfulness",
    "localisation": "faithfulness",
    "baseline_maps": "faithfulness",
    "randomised": "sanity",
    "narrowed": "narrow",
    "open_model": "models",
    "TensorBoardMaps": "callbacks",
    "load": "checkpoints",
    "available": "checkpoints",
    "Card": "cards",
    "Checkpoint": "checkpoints",
    "Ensemble": "ensembles",
    "UserError": "errors",
    "ModelError": "errors",
    "CheckpointError": "errors",
    "read": "pictures",
    "fit": "pictures",
    "Picture": "pictures",
    "PictureError": "pictures",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
