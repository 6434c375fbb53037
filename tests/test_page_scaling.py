"""The scaling experiment in the Evidence tab: what the figures are told as, and what is passed over."""

import copy

import pytest
from test_study_scaling import rows

from page.evidence.scaling import PLOTS, told
from page.texts import PageTexts
from study import plots
from study.scaling import CLAIMS, judge
from study.store import Store

TEXTS = PageTexts()


def judged(trainings):
    for row in trainings:
        row |= {"multiply_adds": 60_000_000, "parameters": 1_000_000}
    return {
        "heads": {"name": "pets", "n": 300, "digest": "h"},
        "trainings": trainings,
        "verdicts": [judge(claim, trainings) for claim in CLAIMS],
    }


def written(folder, trainings):
    store, content = Store(folder), judged(trainings)
    store.write_scaling(content)
    plots.draw_scaling(store, content)
    return store, content


def test_nothing_is_said_before_anything_was_measured(tmp_path):
    assert told(Store(tmp_path), TEXTS) == []


def test_figures_are_told_with_interval_trainings_and_labellings(tmp_path):
    store, content = written(tmp_path, rows(gain={"compound": 0.05}))
    [group] = told(store, TEXTS)
    assert "15 trainings" in group["text"]
    assert "300 pictures" in group["text"]
    assert [plot["name"] for plot in group["plots"]] == ["scaling-cost"]
    assert [claim["id"] for claim in group["claims"]] == [claim.id for claim in CLAIMS]
    first = group["claims"][0]
    assert (first["verdict"], first["word"]) == ("holds", "holds")
    figure = content["verdicts"][0]["figure"]
    assert f"{figure['mean']:+.3f}" in first["told"][0]
    assert "compound (3 trainings) less deeper, wider, higher resolution (9)" in first["told"][0]
    assert "0.005 give as much" in first["told"][0]
    assert len(first["told"]) == 4  # and each pair, without a verdict
    assert all("without a verdict" in text for text in first["told"][1:])
    assert {plot["name"] for plot in group["plots"]} | {claim["id"] for claim in group["claims"]} == set(PLOTS)
    assert all(claim["svg"].startswith("<svg") for claim in group["claims"])


def test_too_few_trainings_are_said_to_be_too_few(tmp_path):
    store, _ = written(tmp_path, rows(2))
    for claim in told(store, TEXTS)[0]["claims"]:
        assert (claim["verdict"], claim["word"]) == ("open", "too few to tell")
        assert "there are 2 of one" in claim["told"][0]


@pytest.fixture(scope="module")
def whole():
    return judged(rows())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda claim: claim.pop("counts"),
        lambda claim: claim.update(id="none"),
        lambda claim: claim.update(verdict="wins"),
        lambda claim: claim.update(figure=None),
        lambda claim: claim["figure"].update(low="low"),
        lambda claim: claim.update(p=None),
        lambda claim: claim["pairs"][0].update(other="baseline"),
        lambda claim: claim["pairs"][0].update(figure=3),
        lambda claim: claim.update(others="deeper"),
    ],
)
def test_a_verdict_that_is_not_whole_is_passed_over(tmp_path, whole, spoil):
    store, content = Store(tmp_path), copy.deepcopy(whole)
    spoil(content["verdicts"][0])
    store.write_scaling(content)
    [group] = told(store, TEXTS)
    assert [claim["id"] for claim in group["claims"]] == [claim.id for claim in CLAIMS[1:]]


@pytest.mark.parametrize("content", [{}, {"verdicts": 3}, {"verdicts": [[], None, 3]}])
def test_other_json_says_nothing(tmp_path, content):
    Store(tmp_path).write_scaling(content)
    assert told(Store(tmp_path), TEXTS) == []
