"""Errors say in facts what their sentences say: enough for a page to say it in another language."""

import ast
import string
from pathlib import Path

import pytest

from explain import pictures
from explain.checkpoints import load
from explain.errors import CheckpointError, ModelError, UserError
from explain.pictures import PictureError
from page.errors import PageError
from page.service import Refused
from page.texts import TABLES, PageTexts
from page.uploads import NotUploaded
from training import TrainingError

ROOT = Path(__file__).parent.parent
SUBJECTS = {"PictureError": "picture", "ModelError": "model", "CheckpointError": "checkpoint"}
PAGE = {"Refused", "NotThere", "NotUploaded"}


def raise_sites():
    """(subject, code, sentence or None, names of facts) of every place that makes an error with a code written out."""
    sites = []
    for path in [*(ROOT / "explain").rglob("*.py"), *(ROOT / "page").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            if name not in SUBJECTS.keys() | PAGE or not isinstance(call.args[0], ast.Constant):
                continue
            facts = {keyword.arg for keyword in call.keywords}
            sentence = call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) else None
            sites.append((SUBJECTS.get(name, "page"), call.args[0].value, sentence, facts))
    return sites


def names_in(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


SITES = raise_sites()
ALWAYS = {"picture": set(pictures._LIMITS), "model": set(), "checkpoint": set(), "page": set()}


def given(subject, code):
    """The facts that are there wherever an error of a code is raised."""
    return set.intersection(*(facts for *key, _, facts in SITES if key == [subject, code])) | ALWAYS[subject]


def test_all_kinds_of_errors_are_looked_at():
    codes = {(subject, code) for subject, code, *_ in SITES}
    assert {code for subject, code in codes if subject == "picture"} >= set(pictures._SENTENCES) - {"vector", "text"}
    assert {code for subject, code in codes if subject == "checkpoint"} >= {"card", "digest", "code", "members"}
    assert {code for subject, code in codes if subject == "model"} >= {"head", "output", "no-map", "gradient"}
    assert {code for subject, code in codes if subject == "page"} >= {"no_picture", "evidence_unknown", "gone"}


@pytest.mark.parametrize(("subject", "code", "sentence", "facts"), SITES)
def test_sentences_need_no_more_than_their_facts(subject, code, sentence, facts):
    if subject == "page":
        sentence = PageTexts()[code]
    elif subject == "picture":
        sentence = pictures._SENTENCES[code]
    if sentence is not None:
        assert names_in(sentence) <= facts | ALWAYS[subject]


@pytest.mark.parametrize("language", TABLES)
def test_every_languages_sentences_need_no_more_than_the_facts_of_every_place(language):
    table = PageTexts(language)
    for subject, code in {(subject, code) for subject, code, *_ in SITES}:
        sentence = table[code] if subject == "page" else table["errors"].get(f"{subject}.{code}", "")
        assert names_in(sentence) <= given(subject, code)
    known = {f"{subject}.{code}" for subject, code, *_ in SITES} | {f"picture.{code}" for code in pictures._SENTENCES}
    assert table["errors"].keys() <= known


def test_told_in_the_pages_words_by_key_and_facts(monkeypatch, tmp_path):
    words = {
        "picture.too-many-pixels": "{megapixels} MP, höchstens {most_megapixels}",
        "checkpoint.unknown": "kein Modell",
        "checkpoint.card": "Karte {model_id}: {part}",
        "picture.damaged": "{kind} kaputt",
    }
    texts = PageTexts()
    monkeypatch.setitem(texts.table, "errors", words)
    assert texts.told(PictureError("too-many-pixels", megapixels=99)) == "99 MP, höchstens 50"
    assert texts.told(PictureError("unknown")) == pictures._SENTENCES["unknown"].format(**pictures._LIMITS)
    assert texts.told(PictureError("damaged", kind="PNG")) == "PNG kaputt"
    with pytest.raises(CheckpointError) as caught:
        load("nobody", tmp_path)
    assert texts.told(caught.value) == "kein Modell"
    (tmp_path / "bare").mkdir()
    with pytest.raises(CheckpointError) as caught:
        load("bare", tmp_path)
    assert texts.told(caught.value) == "Karte bare: card.json"


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (PictureError("empty"), "picture.empty"),
        (CheckpointError("load", "Keras {keras}.", keras="3", model_id="a"), "checkpoint.load"),
        (ModelError("outputs", "It returns {count}.", count=2), "model.outputs"),
        (Refused("no_picture"), "page.no_picture"),
        (NotUploaded("gone"), "page.gone"),
        (TrainingError("No."), "training.training"),
    ],
)
def test_one_family(error, key):
    assert isinstance(error, UserError)
    assert error.key == key
    assert isinstance(error.facts, dict)
    assert str(error)


def test_a_fact_in_braces_is_no_placeholder():
    assert str(Refused("unknown_model", asked="{known.__class__}", known="a")) == (
        "There is no model '{known.__class__}'. There are: a."
    )
    assert isinstance(Refused("no_picture"), PageError)
