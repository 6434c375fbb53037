"""Compound scaling judged by trainings: the marks of a map, the one-sided test, what is kept."""

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from judges import colour_judge, ship

from study import StudyError, plots, scaling, statistics
from study import __main__ as command
from study.scaling import CLAIMS, GRID, KINDS, MARKS, judge, kind_of, known, mark
from study.store import Store
from study.texts.en import TEXTS

pytest_plugins = ["study_fixtures"]

CLAIM = {claim.id: claim for claim in CLAIMS}


def rows(seeds=3, gain=None, spread=0.01, seed=0):
    """Trainings of every kind; `gain`: {kind: what its figures have more}."""
    rng = np.random.default_rng(seed)
    return [
        {
            "id": f"scaling-{kind}-seed{k}",
            "kind": kind,
            "test": {"accuracy": 0.9 + (gain or {}).get(kind, 0) + rng.normal(0, spread)},
            "marks": {
                name: {"mean": 0.2 + (gain or {}).get(kind, 0) + rng.normal(0, spread)}
                for name in ("animal", "head", "covered")
            },
        }
        for kind in KINDS
        for k in range(seeds)
    ]


# --- the marks of one map ---------------------------------------------------------------------------------------------


def regions(size=64):
    """An animal in the left half, its head in the upper left quarter."""
    animal = np.zeros((size, size), bool)
    animal[:, : size // 2] = True
    head = animal.copy()
    head[size // 2 :] = False
    return animal, head


def test_heat_on_the_head_alone():
    heat = np.zeros((8, 8), np.float32)
    heat[:4, :4] = 1
    assert mark(heat, *regions()) == pytest.approx({"animal": 0.5, "head": 0.75, "covered": 0.5})


def test_even_heat_lies_nowhere_more_than_elsewhere():
    figures = mark(np.ones((6, 6), np.float32), *regions())
    assert figures == pytest.approx({"animal": 0, "head": 0, "covered": 0}, abs=1e-6)


def test_negative_heat_counts_as_none():
    assert mark(np.full((4, 4), -1, np.float32), *regions()) is None
    heat = np.full((4, 4), -1, np.float32)
    heat[0, 0] = 2
    assert mark(heat, *regions())["head"] == pytest.approx(0.75)


@pytest.mark.parametrize("finer", [8, 16])
def test_a_finer_map_of_the_same_heat_does_not_win(finer):
    """A region that is narrower than a cell: on its own grid the finer map would lie wholly inside."""
    region = np.zeros((64, 64), bool)
    region[:8, :8] = True  # a quarter of a cell of the common grid
    heat = np.zeros((finer, finer), np.float32)
    heat[: finer // 8, : finer // 8] = 1
    coarse = np.zeros((GRID, GRID), np.float32)
    coarse[0, 0] = 1
    assert mark(heat, region, region) == pytest.approx(mark(coarse, region, region))
    assert mark(heat, region, region)["animal"] == pytest.approx(0.25 - region.mean())


# --- the test ---------------------------------------------------------------------------------------------------------


def test_compound_against_the_other_three_has_220_labellings():
    verdict = judge(CLAIM["scaling-regions"], rows(gain={"compound": 1}))
    assert verdict["p"] == pytest.approx(1 / 220, abs=1e-6)
    assert verdict["verdict"] == "holds"
    assert verdict["counts"] == {"compound": 3, "deeper": 3, "wider": 3, "sharper": 3}
    assert verdict["figure"]["low"] > 0.9
    assert [pair["other"] for pair in verdict["pairs"]] == ["deeper", "wider", "sharper"]
    assert all(pair["figure"]["low"] <= pair["figure"]["mean"] <= pair["figure"]["high"] for pair in verdict["pairs"])
    assert all("verdict" not in pair for pair in verdict["pairs"])


def test_what_is_less_fails_and_what_nobody_can_tell_is_open():
    assert judge(CLAIM["scaling-accuracy"], rows(gain={"compound": -1}))["verdict"] == "fails"
    middle = rows(gain={"deeper": 1, "wider": -1})
    assert judge(CLAIM["scaling-accuracy"], middle)["verdict"] == "open"


def test_resolution_stands_against_depth_and_width_alone():
    assert judge(CLAIM["scaling-resolution"], rows(gain={"sharper": 0.5, "compound": 9}))["verdict"] == "holds"


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_trainings_are_too_few(seeds):
    verdict = judge(CLAIM["scaling-regions"], rows(seeds, gain={"compound": 1}))
    assert (verdict["verdict"], verdict["figure"], verdict["p"]) == ("too_few", None, None)


def test_of_trainings_that_do_not_differ_one_in_twenty_holds_and_one_in_twenty_fails():
    verdicts = [judge(CLAIM["scaling-regions"], rows(seed=seed))["verdict"] for seed in range(600)]
    for verdict in ("holds", "fails"):
        assert 0.02 < verdicts.count(verdict) / 600 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)


def test_a_true_difference_is_told():
    verdicts = [judge(CLAIM["scaling-regions"], rows(gain={"compound": 0.03}, seed=k))["verdict"] for k in range(100)]
    assert verdicts.count("holds") > 90


@pytest.mark.parametrize("sizes", [(3, 9), (3, 3), (3, 6), (1, 2)])
def test_the_interval_ends_where_the_test_begins_to_reject(sizes):
    rng = np.random.default_rng(5)
    left, right = (rng.normal(size=n) for n in sizes)
    figure, above, below = statistics.one_sided(left, right)
    assert figure["mean"] == pytest.approx(left.mean() - right.mean(), abs=1e-6)
    if len(statistics.labellings(*sizes)) >= 20:
        for effect, rejected in ((figure["low"] - 0.01, True), (figure["low"] + 0.01, False)):
            assert (statistics.one_sided(left - effect, right)[1] <= 0.05) == rejected
        for effect, rejected in ((figure["high"] + 0.01, True), (figure["high"] - 0.01, False)):
            assert (statistics.one_sided(left - effect, right)[2] <= 0.05) == rejected
    else:
        assert np.isfinite([figure["low"], figure["high"]]).all()
        assert min(above, below) > 0.05


# --- the plots --------------------------------------------------------------------------------------------------------


def test_plots_show_every_training_and_the_published_ones_marked_as_such(tmp_path):
    store, trainings = Store(tmp_path), rows()
    for row in trainings:
        row |= {"multiply_adds": 60_000_000, "parameters": 1_000_000}
    verdicts = [judge(claim, trainings) for claim in CLAIMS]
    plots.draw_scaling(store, {"trainings": trainings, "verdicts": verdicts})
    for name in ("scaling-cost", *CLAIM):
        assert "<svg" in store.svg(store.claim_plot(name))
        table = list(csv.DictReader(io.StringIO(store.csv(store.claim_plot(name)))))
        assert {row["id"] for row in trainings} <= {line["what"] for line in table}
    published = [
        line
        for line in csv.DictReader(io.StringIO(store.csv(store.claim_plot("scaling-cost"))))
        if "publ" in line["what"]
    ]
    assert [line["what"] for line in published] == [f"B{k}, published" for k in range(8)]
    assert "as published, ImageNet" in store.svg(store.claim_plot("scaling-cost"))


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_every_claim_has_its_sentence():
    assert list(TEXTS["scaling_claims"]) == [claim.id for claim in CLAIMS]
    assert {claim.figure for claim in CLAIMS} <= {*MARKS, "accuracy"}


def test_kinds_are_the_recipes():
    assert {kind_of(recipe_id) for recipe_id in known()} == set(KINDS)
    assert len(known()) == 3 * len(KINDS)
    with pytest.raises(StudyError, match="no training of the scaling"):
        kind_of("cats-dogs-vgg16-low")


def test_the_command_measures_what_is_new_and_keeps_the_rest(tmp_path, marked, monkeypatch, capsys):
    runs, evidence = tmp_path / "runs", tmp_path / "evidence"
    for kind, seed in (("baseline", 1), ("compound", 2)):
        ship(runs, f"scaling-{kind}", kind, colour_judge(seed, 4.0 * seed), classes=("Cat", "Dog"))
    arguments = ["study", "scaling", "--runs-dir", str(runs), "--weights", str(tmp_path / "none")]
    arguments += ["--evidence", str(evidence), "--heads-dir", str(marked.folder)]
    counted, marks = [], scaling.marks
    monkeypatch.setattr(
        scaling, "marks", lambda checkpoint, *a: (counted.append(checkpoint.model_id), marks(checkpoint, *a))[1]
    )
    monkeypatch.setattr(sys, "argv", arguments)
    assert command.main() == 0, capsys.readouterr().err
    assert counted == ["scaling-baseline", "scaling-compound"]
    content = scaling_of(evidence)
    assert [row["kind"] for row in content["trainings"]] == ["baseline", "compound"]
    assert all(set(row["marks"]) == set(MARKS) for row in content["trainings"])
    assert [verdict["verdict"] for verdict in content["verdicts"]] == ["too_few"] * len(CLAIMS)
    del counted[:]
    (runs / "scaling-baseline" / "card.json").unlink()  # its figures stay
    assert command.main() == 0
    assert counted == []
    assert scaling_of(evidence) == content
    assert "too few" in capsys.readouterr().out


def scaling_of(evidence: Path):
    return Store(evidence).scaling()
