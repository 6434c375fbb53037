"""The examples in the library's docstrings run, and say what they say."""

import doctest
from importlib import import_module

import pytest

MODULES = [
    "engine",
    "targets",
    "rules.sampling",
    "layers",
    "explanation",
    "measures",
    "rules.registry",
    "classifier",
    "overlay",
    "twins",
    "fills",
    "faithfulness",
    "sanity",
    "narrow",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings(name):
    results = doctest.testmod(import_module(f"explain.{name}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    "name",
    [
        *("engine.explain", "explanation.Explanation", "explanation.Features", "explanation.Layer", "explanation.Cost"),
        *(
            "rules.Rule",
            "rules.register",
            "rules.rule_names",
            "classifier.Classifier",
            "targets.Finer",
            "targets.class_names",
            "targets.resolve",
            "targets.head",
        ),
        *("overlay.colours", "overlay.stretch", "overlay.overlay", "overlay.difference", "overlay.tiles"),
        *("measures.feature_figures", "measures.focus_entropy", "measures.share_inside"),
        *("faithfulness.removal", "faithfulness.cross_removal", "faithfulness.average_drop"),
        *("faithfulness.single_deletion", "faithfulness.localisation", "faithfulness.baseline_maps"),
        "sanity.randomised",
        "narrow.narrowed",
    ],
)
def test_what_people_call_has_an_example(name):
    module, _, attribute = name.partition(".")
    assert ">>> " in getattr(import_module(f"explain.{module}"), attribute).__doc__
