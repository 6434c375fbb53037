"""Rows of more than two models, and models of a hundred classes: the message and the words."""

import base64
import io

import numpy as np
import pytest
from crowd import MEMBERS, ROW
from judges import picture
from PIL import Image
from test_page_payload import plain, said, unpacked

from explain import checkpoints
from explain.agreement import density
from explain.pictures import Picture
from explain.view.words import Words
from page.layout import catalog
from page.service import Service

pytest_plugins = ["crowd_fixtures"]
WORDS = Words()
RED = Picture(picture(red=255))
PAIR = MEMBERS[:2]


@pytest.fixture(scope="module")
def service(crowd, tmp_path_factory):
    checkpoints._kept.clear()
    service = Service(crowd, tmp_path_factory.mktemp("evidence"))
    service.load()
    assert service.problem == ""
    return service


# --- the row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", [MEMBERS[:3], ROW])
def test_each_of_a_row_explains_its_own_answer_and_is_held_against_the_first(service, ids):
    answer = service.answer(RED, ids)
    assert [model["id"] for model in answer["models"]] == ids
    targets = ["camel" if model_id == "crowd-camel" else "raccoon" for model_id in ids]
    targets[ids.index("crowd-faint")] = "fox"  # what speaks for raccoon is too little
    assert [model["target"] for model in answer["models"]] == targets
    said_otherwise = [model["says"] != model["target"] or model["target"] != targets[0] for model in answer["models"]]
    assert [model["evidence"]["text"] for model in answer["models"]] == [f"evidence for **{name}**" for name in targets]
    assert [model["evidence"]["tone"] == "warn" for model in answer["models"]] == said_otherwise
    assert [model["yardstick"] is None for model in answer["models"]] == [True] + [False] * (len(ids) - 1)
    for stop in answer["stops"]:
        assert len(stop["layers"]) == len(stop["versus"]) == len(ids)
        differences = [versus and versus["difference"] is not None for versus in stop["versus"]]
        assert differences == [None, *(target == targets[0] for target in targets[1:])]


def test_the_ensembles_map_is_the_mean_of_its_members_densities(service):
    """As the page gets them: every column for one class, so that the members' own maps are those that are averaged."""
    answer = service.answer(RED, ROW, target="raccoon")
    whole, *members = answer["models"]
    assert [layer["address"] for layer in whole["layers"]] == [layer["address"] for layer in members[0]["layers"]]

    def heat(model: dict, place: int) -> np.ndarray:
        packed = model["layers"][place]["map"]
        return unpacked(packed)[0] / 255 * packed["max"]

    for place in range(len(whole["layers"])):
        maps = [heat(member, place) for member in members]
        grid = maps[0].shape
        mean = sum(density(heat, grid) if heat.any() else np.zeros(grid) for heat in maps) / len(maps)
        np.testing.assert_allclose(heat(whole, place), mean, atol=0.03 * mean.max())  # all are rounded to 8 bits
        assert mean.max() > 1
    shares = [bar["share"] for bar in whole["bars"] if bar["name"] == "raccoon"]
    alone = [service.answer(RED, [name, name])["models"][0]["bars"] for name in MEMBERS]
    known = [next((bar["share"] for bar in bars if bar["name"] == "raccoon"), 0) for bars in alone]
    assert shares == pytest.approx([np.mean(known)], abs=0.01)


def test_a_row_says_who_says_what_and_who_is_most_alike(service):
    first = service.answer(RED, ROW)["stops"][-1]["words"]
    told = [plain(part["text"]) for part in first]
    assert told[0].startswith("They disagree. **raccoon**: all · sure · steep · other (")
    assert "**fox**: faint (5 %)" in told[0]
    assert "**camel**: camel (" in told[0]
    assert "another class than all's are not held against it" in " ".join(told)
    assert "Held against all here, " in told[-1]
    assert "camel" not in told[-1]
    assert "faint" not in told[-1]
    same = said(service.answer(RED, ["crowd-sure", "crowd-steep", "crowd-other"])["stops"][-1])
    assert same.startswith("All 3 say **raccoon** (")
    assert "held against it" not in same


@pytest.mark.parametrize(
    ("ranks", "text"),
    [
        ({}, ""),
        ({"A": 0.5}, "Held against R here, A has rank correlation 0.50."),
        (
            {"A": -0.5, "B": 0.2, "C": 0.1},
            "Held against R here, B is **most alike** (rank correlation 0.20) and A least",
        ),
    ],
)
def test_the_closest_and_the_farthest_are_named(ranks, text):
    assert WORDS.closest(ranks, "R").startswith(text)
    assert bool(WORDS.closest(ranks, "R")) == bool(text)


# --- a hundred classes ------------------------------------------------------------------------------------------------


def test_of_many_classes_each_model_shows_its_own_five(service):
    sure, camel = service.answer(RED, ["crowd-sure", "crowd-camel"])["models"]
    for model, first in ((sure, "raccoon"), (camel, "camel")):
        assert [bar["name"] for bar in model["bars"]] == [first, "fox", "apple", "aquarium fish", "baby"]
        shares = [bar["share"] for bar in model["bars"]]
        assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("shows", "tone", "text"),
    [
        ("raccoon", "first", "Right: **raccoon**"),
        ("baby", "among", "Right: **baby**, guess 5"),
        ("rocket", "absent", "Right: **rocket**, not among these"),
    ],
)
def test_where_the_right_class_is_known_it_is_said_where_it_stands(service, shows, tone, text):
    model = service.answer(RED, ["crowd-sure", "crowd-steep"], shows=shows)["models"][0]
    assert model["truth"] == {"tone": tone, "text": text}
    assert [bar["name"] for bar in model["bars"] if bar["right"]] == ([shows] if tone != "absent" else [])


@pytest.mark.parametrize("shows", ["?", None, "Cat"])
def test_where_it_is_not_known_or_none_of_these_nothing_is_right_or_wrong(service, shows):
    answer = service.answer(RED, PAIR, shows=shows)
    assert [model["truth"] for model in answer["models"]] == [None, None]
    assert not any(bar["right"] for model in answer["models"] for bar in model["bars"])
    outside = "The picture shows **none of the 100 classes** that these models know; they can only choose" in said(
        answer["stops"][0]
    )
    assert outside == (shows != "?")


def test_the_map_always_says_its_class_where_there_are_many(service):
    answer = service.answer(RED, PAIR, target="lawn mower")
    assert [model["evidence"] for model in answer["models"]] == [
        {"text": f"evidence for **lawn mower**; it says {name}", "tone": "warn"} for name in ("raccoon", "fox")
    ]
    assert "**lawn mower**, the class that was asked about" in said(answer["stops"][0])


# --- whether anything is likely ---------------------------------------------------------------------------------------


def test_who_is_measured_to_be_more_often_wrong_is_told_so(service):
    text = said(service.answer(RED, PAIR)["stops"][0])
    assert "Of test pictures of CIFAR-100 it is as sure of, sure gets at least 92 % right." in text
    assert "**Faint is more likely wrong than right**: of test pictures of CIFAR-100 that it is as sure of" in text
    assert "it gets at most 24 % right." in text


def test_of_whom_it_is_not_measured_less_than_half_is_told_by_its_own_account(service):
    grey = Picture(picture())
    text = said(service.answer(grey, ["crowd-steep", "crowd-other"])["stops"][0])
    assert "**Nothing is likely** to steep · other: the first guess has less than half of the probability" in text
    assert "test pictures" not in text
    outside = said(service.answer(grey, PAIR, shows=None)["stops"][0])  # rates are of pictures of these classes
    assert "**Nothing is likely** to sure · faint" in outside
    assert "test pictures" not in outside
    assert "Nothing is likely" not in said(service.answer(RED, ["crowd-steep", "crowd-other"])["stops"][0])


@pytest.mark.parametrize(
    ("rates", "ceilings", "text"),
    [
        ((0.9, 0.8, 0.7), (0.95, 0.9, 0.8), "Of P they are as sure of, each gets at least 70 % right."),
        (
            (0.9, 0.8, 0.7, None),
            (0.95, 0.9, 0.8, None),
            "Of P that each is as sure of, A · B · C get at least 70 % right each.",
        ),
        (
            (0.1, 0.2, 0.3),
            (0.2, 0.3, 0.4),
            "**All are more likely wrong than right**: of P that each is as sure of, none gets more than 40 % right.",
        ),
        (
            (0.1, 0.2),
            (0.2, 0.3),
            "**Both are more likely wrong than right**: of P that each is as sure of, "
            "neither gets more than 30 % right.",
        ),
        (
            (0.1, 0.2, None),
            (0.2, 0.3, None),
            "**More likely wrong than right**: A · B. Of P that each is as sure of, none gets more than 30 % right.",
        ),
        ((0.45, None), (0.55, None), "Of P it is as sure of, A gets at least 45 % right."),
    ],
)
def test_a_row_is_told_what_holds_for_each(service, rates, ceilings, text):
    explanation = checkpoints.load("crowd-sure", service.weights).explain(RED.pixels)
    names = "ABCD"[: len(rates)]
    assert plain(WORDS.reliance([explanation] * len(rates), names, "P", rates, ceilings)) == text


# --- small pictures ---------------------------------------------------------------------------------------------------


def test_a_small_picture_comes_as_it_is_and_a_larger_one_does_not(service):
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    shown = service.answer(Picture(pixels), PAIR)["picture"]
    assert (shown["small"], shown["width"], shown["height"]) == (True, 32, 32)
    with Image.open(io.BytesIO(base64.b64decode(shown["src"].split(",")[1]))) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), pixels)  # not a JPEG's idea of it
    assert service.answer(Picture(np.zeros((64, 20, 3), np.uint8)), PAIR)["picture"]["small"]
    assert not service.answer(Picture(np.zeros((65, 20, 3), np.uint8)), PAIR)["picture"]["small"]


# --- what there is to choose ------------------------------------------------------------------------------------------


def test_an_experiment_whose_checkpoints_are_not_there_is_not_offered(service):
    choices = catalog(service)
    assert [(entry["id"], entry["models"]) for entry in choices["experiments"]] == [("pair", PAIR), ("row", ROW)]


def test_the_examples_follow_the_experiment(service):
    pair, row = catalog(service)["experiments"]
    fitting = ["raccoon", "coffee-cup", "rocket", "cow", "crocodile", "polar-bear"]
    assert pair["examples"][:6] == fitting  # those that show one of the hundred classes, as the table has them
    assert row["examples"][:3] == ["rocket", "raccoon", "coffee-cup"]  # what the experiment names goes first
    assert set(pair["examples"]) == set(row["examples"]) == set(service.examples)
    large = {entry["id"] for entry in catalog(service)["examples"] if entry["large"]}
    assert large == {"raccoon", "rocket"}  # the first of each
    assert pair["within"] + pair["neither"] == pair["examples"]
    assert pair["within"] == fitting
    assert pair["within_title"] == "100 everyday things"


def test_models_tell_their_classes_groups_and_networks(service):
    models = {entry["id"]: entry for entry in catalog(service)["models"]}
    assert models["crowd-all"]["networks"] == MEMBERS
    assert models["crowd-sure"]["networks"] == ["crowd-sure"]
    assert len(models["crowd-all"]["groups"]) == len(models["crowd-all"]["classes"]) == 100
    assert len(set(models["crowd-sure"]["groups"])) == 20


def test_evidence_offers_pairs_alone(service):
    assert list(service.findings.experiments) == ["pair"]


def test_an_ensemble_is_made_ready_behind_its_members(service, monkeypatch):
    wanted = []
    monkeypatch.setattr(service._background, "want", lambda ids: wanted.extend(ids))
    service.prepare(["row"])
    assert wanted == [*MEMBERS, "crowd-all"]
