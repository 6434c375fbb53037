"""Evidence of many classes: closed forms on predictions that are set by hand, and what is told of broken ones."""

import json
import math

import numpy as np
import pytest
from many_classes import CLASSES, GROUP_OF, PAIR, PICTURES, STEP, STEPS, crowd, drawn, write

from explain.cards import Card
from explain.measures import wilson
from page.evidence import Findings, NotThere
from page.evidence.classes import Group, arranged, confused, confusion, errors, reliability
from study.store import Store

A, B, C = Group("x", 0, 2), Group("y", 2, 3), Group("z", 3, 4)
COUNTS = np.array([[6, 3, 1, 0], [1, 8, 0, 1], [2, 0, 8, 0], [0, 0, 0, 10]])  # of two groups of one, and one of two


def card(model_id: str, classes=("a", "b", "c"), **more) -> dict:
    return {
        "id": model_id,
        "title": f"Title of {model_id}",
        "description": "?",
        "classes": list(classes),
        "input": [8, 8],
        "digests": {"model": "0" * 64},
        **more,
    }


def findings(folder, cards: list[dict]) -> Findings:
    for each in cards:
        (folder / each["id"]).mkdir(parents=True, exist_ok=True)
    return Findings(folder, folder / "evidence", {each["id"]: Card.from_json(each) for each in cards}, [])


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Findings:
    """The checkpoints of a hundred classes."""
    folder = tmp_path_factory.mktemp("many")
    crowd(folder)
    cards = {path.parent.name: Card.read(path.parent) for path in folder.glob("*/card.json")}
    return Findings(folder, folder / "evidence", cards, [])


# --- counting ---------------------------------------------------------------------------------------------------------


def test_classes_are_sorted_by_group_and_then_by_name():
    order, groups = arranged(["b", "a", "d", "c"], ["y", "x", "x", "y"])
    assert order == [1, 2, 0, 3]
    assert groups == [Group("x", 0, 2), Group("y", 2, 4)]
    assert arranged(["b", "a"], []) == ([0, 1], [])


def test_a_confusion_matrix_has_true_classes_in_its_rows():
    counts = confusion(np.array([0, 0, 0, 2]), np.array([0, 1, 1, 0]), 3)
    assert counts.tolist() == [[1, 2, 0], [0, 0, 0], [1, 0, 0]]


def test_pairs_count_both_ways_and_begin_with_the_one_that_is_mistaken_more():
    assert confused(COUNTS) == [(0, 1), (2, 0), (1, 3)]  # 4, 3 and 1
    assert confused(COUNTS, 1) == [(0, 1)]
    assert confused(np.diag([3, 3, 3])) == []


def test_errors_within_and_across_groups_and_what_chance_alone_would_give():
    found = errors(COUNTS, [A, B, C])
    assert (found.wrong, found.within) == (8, 4)  # 3 and 1 stay in x
    # of x's six wrong answers one in three would stay by chance, of y's two none
    assert found.chance == pytest.approx(6 / 3 / 8)
    assert found.right.tolist() == [14, 8, 10]
    assert found.kept.tolist() == [4, 0, 0]
    assert found.total.tolist() == [20, 10, 10]
    assert math.isnan(errors(np.diag([1, 1, 1, 1]), [A, B, C]).chance)


def test_chance_is_what_answers_that_fall_evenly_give():
    """Of a hundred classes in groups of five 4 of 99; and that is what drawn answers give."""
    groups = [Group(str(k), 5 * k, 5 * k + 5) for k in range(20)]
    even = np.ones((100, 100), int)
    found = errors(even, groups)
    assert found.chance == pytest.approx(4 / 99)
    assert found.within / found.wrong == pytest.approx(found.chance)


def test_reliability_by_hand():
    sure = np.array([0.96, 0.98, 0.97, 0.97, 0.5, 0.5, 1 / 15])
    right = np.array([True, True, True, False, True, False, False])
    bins, error = reliability(sure, right)
    assert [(each.n, each.accuracy) for each in bins] == [(1, 0), (2, 0.5), (4, 0.75)]
    assert bins[2].confidence == pytest.approx(0.97)
    assert (bins[2].low, bins[2].high) == wilson(3, 4)
    assert error == pytest.approx((1 / 15 + 0 + 4 * 0.22) / 7)


def test_reliability_is_that_of_the_card():
    """The same bins and error as training writes."""
    from training import evaluate

    labels, predicted, sure = drawn(0.3, 3)
    table = np.zeros((len(labels), len(CLASSES)))
    table[np.arange(len(labels)), predicted] = sure
    table[np.arange(len(labels)), (predicted + 1) % len(CLASSES)] += 1 - sure
    table = np.where(table > 0, table, 1e-9)
    measured = evaluate.measure(labels, table)
    normal = table / table.sum(1, keepdims=True)
    bins, error = reliability(normal.max(1), normal.argmax(1) == labels)
    assert error == pytest.approx(measured.calibration_error, abs=1e-6)
    assert [(each.n, round(each.accuracy, 6)) for each in bins] == [
        (row.n, row.accuracy) for row in measured.reliability
    ]


# --- telling ----------------------------------------------------------------------------------------------------------


def test_a_hundred_classes_are_told_from_the_predictions(many):
    told = many.classes({"model": "many-plain"})
    assert told["classes"] == sorted(CLASSES)  # in this fixture also by group
    assert [(group["from"], group["to"]) for group in told["groups"]] == [(5 * k, 5 * k + 5) for k in range(20)]
    counts = np.array(told["counts"]).reshape(100, 100)
    assert counts.sum(1).tolist() == [PICTURES] * 100
    first, second, there, back = PAIR
    assert (counts[first, second], counts[second, first]) == (there, back)
    assert told["pairs"][0] == {"first": first, "second": second, "there": there, "back": back, "of": 2 * PICTURES}
    right = int(np.trace(counts))
    assert told["told"].startswith(
        f"Plain CNN gets **{right:,} of 2,000** test pictures right: {100 * (right / 2000):.1f}"
    )
    assert told["most"] == pytest.approx((counts - np.diag(np.diag(counts))).max() / PICTURES)
    shares = [row["share"] for row in told["best"]]
    assert len(shares) == len(told["worst"]) == 10
    assert shares == sorted(shares, reverse=True)
    assert told["worst"][0]["share"] == min(np.diag(counts)) / PICTURES
    for row in told["best"] + told["worst"]:
        assert row["right"] == counts[row["place"], row["place"]]
        assert (row["low"], row["high"]) == wilson(row["right"], PICTURES)
        if row["taken"]:
            off = np.delete(counts[row["place"]], row["place"])
            assert row["taken"]["count"] == off.max() == counts[row["place"], row["taken"]["place"]]
    json.dumps(told, allow_nan=False)


def test_errors_are_told_against_chance_and_by_group(many):
    told = many.classes({"model": "many-plain"})
    counts = np.array(told["counts"]).reshape(100, 100)
    same = np.equal.outer(*[np.repeat(np.arange(20), 5)] * 2)
    within, wrong = counts[same].sum() - np.trace(counts), counts.sum() - np.trace(counts)
    sentence, right = told["errors"]["told"]
    assert f"Of {wrong:,} wrong answers **{100 * within / wrong:.1f}" in sentence
    assert "it would be 4.0" in sentence
    assert f"{100 * counts[same].sum() / counts.sum():.1f}" in right
    assert [row["name"] for row in told["errors"]["groups"]] != sorted(set(GROUP_OF))  # the best first
    for row in told["errors"]["groups"]:
        assert row["right"] + row["within"] + row["across"] == pytest.approx(1)


def test_models_are_told_the_most_accurate_first_and_lines_stand_beside_members_or_others(many):
    models = many.overview({})["many"]
    assert [model["id"] for model in models] == ["many-together", "many-first", "many-second", "many-plain"]
    together = many.classes({"model": "many-together"})
    assert [line["title"] for line in together["reliability"]] == [
        "Two together", "EfficientNet, first", "EfficientNet, second",
    ]  # fmt: skip
    plain = many.classes({"model": "many-plain"})
    assert plain["reliability"][0]["title"] == "Plain CNN"
    assert len(plain["reliability"]) == 4
    assert all(each["n"] >= 20 for line in plain["reliability"][1:] for each in line["bins"])


def test_what_each_member_adds_is_what_is_lost_without_it(many):
    members = many.classes({"model": "many-together"})["members"]
    assert [(row["title"], row["text"]) for row in members["rows"]] == [
        ("EfficientNet, first", "+10.00 points"),
        ("EfficientNet, second", "−1.00 points"),
    ]
    assert "80.0" in members["told"]
    assert "75.0" in members["told"]
    assert many.classes({"model": "many-first"})["members"] is None


def test_what_a_member_adds_has_an_interval_over_pictures(tmp_path):
    ids = ["m-one", "m-two", "m-three"]
    found = findings(tmp_path, [*map(card, ids), card("all", members=ids)])
    labels, right, wrong = np.zeros(40, int), np.zeros(40, int), np.ones(40, int)
    half = np.where(np.arange(40) < 20, 0, 1)
    table = {"m-one": (right, 0.9), "m-two": (half, 0.8), "m-three": (wrong, 0.85), "all": (half, 0.8)}
    for model_id, (predicted, sure) in table.items():
        write(tmp_path / model_id, labels, predicted, np.full(40, sure), 3)

    def told(together: float, *without: float) -> list[str]:
        rows = "".join(f"{member},0.5,{share},{together}\n" for member, share in zip(ids, without, strict=True))
        (tmp_path / "all" / "evaluation" / "members.csv").write_text(f"member,accuracy,without,together\n{rows}")
        return [row["text"] for row in found.classes({"model": "all"})["members"]["rows"]]

    # Together right for 20 of 40; without m-one for none, without either other for all. Half of the pictures change:
    # 1.96 * 0.5 / sqrt(40) = 15.49 points
    gains, loses = "+50.00 points (+34.51 to +65.49)", "−50.00 points (−65.49 to −34.51)"
    assert told(0.5, 0, 1, 1) == [gains, loses, loses]
    assert told(0.6, 0, 1, 1) == ["+60.00 points", "−40.00 points", "−40.00 points"]  # of other predictions than these
    assert told(0.5, 0.25, 1, 1) == ["+25.00 points", loses, loses]


@pytest.mark.parametrize(
    "text", ["", "member,accuracy\nmany-first,0.7\n", "member,accuracy,without,together\nmany-first,nan,1,1\n"]
)
def test_a_broken_table_of_members_is_left_out(many, text, tmp_path, monkeypatch):
    (tmp_path / "many-together" / "evaluation").mkdir(parents=True)
    (tmp_path / "many-together" / "evaluation" / "members.csv").write_text(text)
    monkeypatch.setattr(many.many, "weights", tmp_path)
    assert many.classes({"model": "many-together"})["members"] is None


def test_three_classes_without_groups_are_told_in_one_list(tmp_path):
    found = findings(tmp_path, [card("three")])
    labels, predicted = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])  # none of the third
    write(tmp_path / "three", labels, predicted, np.full(6, 0.8), 3)
    told = found.classes({"model": "three"})
    assert (told["groups"], told["errors"], told["members"], told["worst"]) == ([], None, None, [])
    assert [row["place"] for row in told["best"]] == [1, 0]
    assert told["best"][0]["precise"].startswith("75.0")
    assert told["best"][1]["taken"] is None  # once is not mostly
    assert told["counts"] == [2, 1, 0, 0, 3, 0, 0, 0, 0]
    assert [len(line["bins"]) for line in told["reliability"]] == [1]
    assert [model["id"] for model in found.overview({})["many"]] == ["three"]


def test_groups_of_single_classes_and_a_perfect_model(tmp_path):
    found = findings(tmp_path, [card("three", groups=["x", "y", "z"])])
    write(tmp_path / "three", np.arange(3), np.arange(3), np.full(3, 0.9), 3)
    told = found.classes({"model": "three"})
    assert told["pairs"] == []
    assert told["most"] == 0
    assert len(told["errors"]["told"]) == 1  # no wrong answers, no share of them
    json.dumps(told, allow_nan=False)


def test_cats_and_dogs_have_no_such_part(tmp_path):
    found = findings(tmp_path, [card("two", ("Cat", "Dog"))])
    write(tmp_path / "two", np.arange(2), np.arange(2), np.full(2, 0.9), 2)
    assert found.overview({})["many"] == []
    with pytest.raises(NotThere):
        found.classes({"model": "two"})


@pytest.mark.parametrize("asked", [None, 3, ["three"], "other", "../three", {"model": "three"}])
def test_other_ids_are_refused(tmp_path, asked):
    found = findings(tmp_path, [card("three")])
    write(tmp_path / "three", np.arange(3), np.arange(3), np.full(3, 0.9), 3)
    assert found.answer("classes", {"model": asked})["code"] == "evidence_unknown"


@pytest.mark.parametrize("spoil", ["missing", "garbage", "classes", "labels", "empty"])
def test_predictions_that_cannot_be_used_are_one_sentence(tmp_path, spoil):
    found = findings(tmp_path, [card("three"), card("other")])
    path = tmp_path / "three" / "evaluation" / "predictions.npz"
    write(tmp_path / "other", np.arange(3), np.arange(3), np.full(3, 0.9), 3)
    if spoil == "classes":
        write(tmp_path / "three", np.arange(4), np.arange(4), np.full(4, 0.9), 4)
    elif spoil == "labels":
        write(tmp_path / "three", np.array([0, 3]), np.arange(2), np.full(2, 0.9), 3)
    elif spoil == "empty":
        write(tmp_path / "three", np.arange(0), np.arange(0), np.full(0, 0.9), 3)
    elif spoil == "garbage":
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no archive")
    answer = found.answer("classes", {"model": "three"})
    assert (answer["kind"], answer["code"]) == ("error", "evidence_no_predictions")
    assert [line["title"] for line in found.classes({"model": "other"})["reliability"]] == ["Title of other"]


# --- the ladder -------------------------------------------------------------------------------------------------------


def test_steps_stand_beside_the_originals(tmp_path):
    found = findings(tmp_path, [card("three")])
    assert found.overview({})["ladder"] == []
    originals = {
        "cifar100-ladder-simple": {"what": "simple", "test": {"accuracy": 0.3}},
        "cifar100-ladder-lenet": {"what": "no figure"},
        "cifar100-ladder-residual": {"what": "several", "test": {"accuracies": [0.62, 0.58]}},
    }
    (tmp_path / "originals.json").write_text(json.dumps(originals))
    Store(tmp_path / "evidence").write_ladder(STEPS)
    simple, lenet, residual = found.overview({})["ladder"]
    assert (simple["title"], simple["adds"], simple["parameters"]) == ("Simple", "three convolutions", "123,456")
    assert simple["test"]["accuracy"] == "41.00\N{NO-BREAK SPACE}%"
    assert simple["test"]["interval"] == "40.00 to 42.00"
    assert simple["ours"] == [0.41, 0.40, 0.42]
    assert simple["trained"] == ["10 epochs", "13 min", "A processor, 2 cores"]
    assert simple["original"] == {"text": "30\N{NO-BREAK SPACE}%", "what": "simple", "shares": [0.3]}
    assert lenet["trained"][:2] == ["1 epoch", "2.0 h"]
    assert lenet["original"] == {"text": "", "what": "no figure", "shares": []}
    assert residual["trained"][1] == "31 s"
    assert residual["original"]["text"] == "58 to 62 %"


@pytest.mark.parametrize(
    "broken",
    [None, 3, {}, STEP, STEPS[0] | {"test": {}}, STEPS[0] | {"test": {"accuracy": 7}}, STEPS[0] | {"id": 3}],
)
def test_broken_steps_are_passed_over(tmp_path, broken):
    found = findings(tmp_path, [card("three")])
    Store(tmp_path / "evidence").write_ladder([broken, STEPS[0] | {"validation": 3, "seconds": "?", "epochs": None}])
    (step,) = found.overview({})["ladder"]
    assert step["validation"] is None
    assert step["original"] is None
    assert step["trained"] == ["A processor, 2 cores"]
