"""Every language says all of it: particles, tables against one another, and names of what is shipped."""

import dataclasses
import json
import re

import pytest
from test_texts import NAMES

from explain import checkpoints
from explain.pictures import _SENTENCES, PictureError
from explain.rules import RULES
from explain.view import shell
from explain.view import texts as view_texts
from explain.view.texts.korean import joined
from page import texts
from page.layout import translated
from page.texts import PageTexts, language_of
from study import texts as study_texts
from training.data.cifar100 import CLASSES, GROUP_OF

OTHERS = [language for language in texts.TABLES if language != "en"]
SAME = re.compile(
    r"[^A-Za-z]*|Two Minds|viridis|magma|cividis|omfs|b|(CSV|ZIP) ↓|ROC| ×  px|Finer-CAM|EfficientNet, (SGD|Adam)"
)


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("고양이", "은", "고양이는"),
        ("곰", "은", "곰은"),
        ("SGD", "이", "SGD가"),
        ("Adam", "이", "Adam이"),
        ("VGG16", "을", "VGG16을"),  # sixteen ends in a consonant
        ("시드 2", "과", "시드 2와"),
        ("seed 3", "과", "seed 3과"),
        ("99.8 %", "을", "99.8 %를"),
        ("칼", "으로", "칼로"),
        ("곰", "으로", "곰으로"),
        ("개", "이라", "개라"),
        ("곰", "이라", "곰이라"),
        ("CNN", "은", "CNN은"),
        ("(개)", "은", "(개)는"),
        ("", "은", "는"),
    ],
)
def test_a_particle_follows_the_sound_before_it(word, particle, expected):
    assert joined(word, particle) == expected


def leaves(table, path=()):
    if isinstance(table, dict):
        for key, value in table.items():
            yield from leaves(value, (*path, key))
    elif isinstance(table, list | tuple):
        for place, value in enumerate(table):
            yield from leaves(value, (*path, place))
    else:
        yield path, table


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("tables", [view_texts.TABLES, study_texts.TABLES, texts.TABLES], ids=["view", "study", "page"])
def test_no_sentence_is_left_in_english(tables, language):
    english, other = (
        {path: text for path, text in leaves(tables[name]) if path[0] not in NAMES} for name in ("en", language)
    )
    assert english.keys() == other.keys()
    for path, text in english.items():
        assert other[path] != text or SAME.fullmatch(re.sub(r"\{[^}]*\}|\N{NO-BREAK SPACE}", "", text)), path


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_shipped_has_a_name_in_every_language(language):
    said = PageTexts(language)
    for card in checkpoints.available(checkpoints.DEFAULT)[0]:
        assert card.model_id in said["models"], card.model_id
        assert {*card.classes, *card.groups} <= said["classes"].keys()
    assert {*CLASSES, *GROUP_OF.values(), "Cat", "Dog"} == said["classes"].keys()
    names = list(said["classes"].values())
    assert len(set(names)) >= len(names) - 1  # 물고기 alone is a larger class, and no class
    with open("examples/examples.json") as file:
        assert [example["id"] for example in json.load(file)] == list(said["example_titles"])
    assert {rule.name for rule in RULES.values() if rule.warning} == said["rule_warnings"].keys()


def test_a_catalog_tells_of_other_languages_what_they_say_otherwise_alone():
    first = {"labels": {"a": "one", "b": "same"}, "rules": [{"name": "x", "title": "X"}, {"name": "y", "title": "why"}]}
    other = {"labels": {"a": "하나", "b": "same"}, "rules": [{"name": "x", "title": "X"}, {"name": "y", "title": "왜"}]}
    catalog = translated({"en": first, "ko": other}, "en")
    assert catalog == first | {
        "language": "en",
        "languages": {"ko": {"labels": {"a": "하나"}, "rules": {"1": {"title": "왜"}}}},
    }


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-GB", "en"), ("fr, ko", "ko"), ("", "en"), ("*", "en"), ("ko", "ko")],
)
def test_a_browser_tells_its_language(accepted, language):
    assert language_of(accepted) == language


def test_a_document_is_of_its_language():
    assert '<html lang="ko">' in shell(view_texts.texts("ko"))
    assert "층별로" in shell(view_texts.texts("ko"))
    assert '<html lang="en">' in shell(view_texts.texts())


def test_a_card_keeps_all_but_what_it_is_called():
    card = next(
        card for card in checkpoints.available(checkpoints.DEFAULT)[0] if card.model_id == "cats-dogs-vgg16-low"
    )
    korean = PageTexts("ko").card(card)
    assert korean.title == "VGG16, 낮은 정확도"
    assert dataclasses.replace(korean, title=card.title, description=card.description) == card


@pytest.mark.parametrize("language", OTHERS)
def test_why_a_file_gives_no_picture_is_said_in_every_language(language):
    said = PageTexts(language)
    for code in _SENTENCES:
        error = PictureError(code, kind="JPEG", megapixels=900, most_of_kind=90, side=99_999)
        assert said.told(error) != str(error), code
        for fact in re.findall(r"\{(\w+)\}", said["errors"][f"picture.{code}"]):
            assert str(error.facts[fact]) in said.told(error)
