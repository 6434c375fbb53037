"""Sentences and the code that says them: every key is written out, there in every language, and said somewhere."""

import ast
import json
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explain import view
from explain.overlay import colours
from explain.view import texts as view_texts
from page import texts
from page.experiments import SHIPPED
from page.layout import EVIDENCE, SCRIPTS, SURVEY, VIEW, template
from page.texts import PageTexts
from study import texts as study_texts
from study.experiments import Experiment

ROOT = Path(__file__).parent.parent
FILES = [
    path for folder in ("explain/view", "page") for path in (ROOT / folder).rglob("*.py") if "texts" not in path.parts
]
TABLE = PageTexts().table
RAISED = {"PageError", "Refused", "NotThere", "NotUploaded", "Shut"}  # by code, which is the key of a sentence


def calls() -> Iterator[tuple[str, ast.Call, ast.expr]]:
    """Where a sentence is said, with the expression of its key."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and node.args and (name == "say" or name in RAISED):
                yield f"{path.name}:{node.lineno}", node, node.args[0]
            elif isinstance(node, ast.Call) and name == "refused" and len(node.args) > 1:
                yield f"{path.name}:{node.lineno}", node, node.args[1]


def keys(expression: ast.expr) -> list[str] | None:
    """The keys that an expression may be, where they are written out; None for a name that holds one."""
    if isinstance(expression, ast.IfExp):
        return [*(keys(expression.body) or []), *(keys(expression.orelse) or [])]
    if isinstance(expression, ast.Constant):
        return [expression.value]
    return None


CALLS = [(place, call, expression) for place, call, expression in calls()]


def test_keys_are_written_out():
    """So that they can be searched: a name may hold one, but none is put together."""
    assert len(CALLS) > 60
    for place, _, expression in CALLS:
        assert isinstance(expression, ast.Constant | ast.IfExp | ast.Name | ast.Attribute), place


def test_every_key_that_is_said_is_there_and_gets_its_facts():
    for place, call, expression in CALLS:
        given = {keyword.arg for keyword in call.keywords}
        for key in keys(expression) or []:
            error = getattr(call.func, "id", "") in RAISED
            assert key in (texts.TABLES["en"] if error else TABLE), place
            if isinstance(TABLE[key], str) and None not in given:  # no **facts
                needed = {name for _, name, *_ in string.Formatter().parse(TABLE[key]) if name}
                assert needed <= given, (place, key)


def test_every_table_that_is_looked_up_is_there():
    looked_up = set()
    for path in FILES:
        looked_up |= set(re.findall(r'\b(?:texts|TEXTS)\["(\w+)"\]', path.read_text()))
    assert {"notes", "colours", "populations", "about_points"} <= looked_up
    assert looked_up <= TABLE.keys()


def test_every_sentence_is_said_somewhere():
    written = set()
    for path in [*FILES, ROOT / "page/texts/__init__.py", ROOT / "study/plots.py", ROOT / "study/__main__.py"]:
        nodes = ast.walk(ast.parse(path.read_text()))
        written |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert set(TABLE) - written == set()


def named(script: str, html: str) -> set[str]:
    return set(re.findall(r"\bt\.(\w+)", script)) | set(re.findall(r'data-(?:t|touch|label|term)="(\w+)"', html))


def test_every_label_is_used_and_every_used_one_is_there():
    assert named(view.joined(SCRIPTS), template()) == PageTexts().labels().keys()
    document = view.joined([*view.SCRIPTS, view.HERE / "document.js"])
    assert named(document, view.template()) <= TABLE["view_labels"].keys()  # also without a page
    evidence = named(view.joined(EVIDENCE[1:]), (VIEW / "evidence.html").read_text())
    tables = [TABLE[name].keys() for name in ("list_labels", "evidence_labels", "classes_labels", "survey_labels")]
    assert evidence == tables[0] | tables[1] | tables[2]
    assert sum(map(len, tables[:3])) == len(evidence)
    survey = named(view.joined(SURVEY[1:]), (VIEW / "survey.html").read_text())
    assert survey == tables[0] | tables[3]
    assert not tables[0] & tables[3]


def test_labels_are_written_out_too():
    """All but what a template names, which common.js fills in."""
    for path in {*SCRIPTS, *EVIDENCE, *SURVEY}:
        composed = re.findall(r"(?<![\w.])t\[[^\]]*\]?", path.read_text())
        assert not [label for label in composed if "node.dataset" not in label], path.name
        assert not composed or path.name == "common.js"


# What data are called, and what the library says of itself: none in English
NAMES = {
    "classes",
    "models",
    "example_titles",
    "rule_warnings",
    "plot_words",
    "errors",
}
ROOMS = {"view": view_texts.TABLES, "study": study_texts.TABLES, "page": texts.TABLES}


@pytest.mark.parametrize("tables", ROOMS.values(), ids=ROOMS)
def test_all_languages_say_the_same(tables):
    """The same keys, and in each sentence the same names to be filled in."""

    def form(value: object) -> object:
        if isinstance(value, str):
            return {name for _, name, *_ in string.Formatter().parse(value) if name}
        if isinstance(value, dict):
            return {key: form(part) for key, part in value.items()}
        return [form(part) for part in value]

    named = ({key: value for key, value in table.items() if key not in NAMES} for table in tables.values())
    first, *others = map(form, named)
    assert all(other == first for other in others)


def test_a_key_stands_in_one_table():
    assert len(TABLE) == sum(len(tables["en"]) for tables in ROOMS.values())


def test_what_is_named_by_id_is_there():
    for name in TABLE["colours"]:
        assert colours(np.zeros((1, 1)), name).shape == (1, 1, 3)
    source = (ROOT / "explain/pictures.py").read_text()
    assert all(f'"{note}"' in source for note in TABLE["notes"])
    entries = json.loads((ROOT / "weights/experiments.json").read_text())
    assert {entry["id"]: tuple(entry["models"]) for entry in entries} == SHIPPED
    assert TABLE["experiments"].keys() == SHIPPED.keys()


def test_an_experiment_may_bring_its_own_words():
    titled = Experiment("mine", ("a", "b"), title="Mine?", question="Why?")
    assert PageTexts().titled(titled) == titled
    shipped = Experiment("sgd-adam", SHIPPED["sgd-adam"])
    known = PageTexts().titled(shipped)
    assert (known.title, known.left) == ("SGD or Adam?", shipped.left)
    assert known.question.startswith("One network")
    assert PageTexts().titled(replace(shipped, title="Own")).title == "Own"
    other_models = PageTexts().titled(Experiment("sgd-adam", ("a", "b")))  # what we ask of ours is not asked of these
    assert (other_models.title, other_models.question) == ("sgd-adam", "")
    assert PageTexts().titled(Experiment("other", ("a", "b"))).title == "other"
