"""The Evidence tab's plots: what is drawn and written down are the comparison's and the cards' own numbers."""

import csv
import json
import warnings
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from simulated import DEPTHS, LAYERS, evaluated, lay, table

from study import plots, recipes
from study.claims import CLAIMS
from study.store import Store

LEFT, RIGHT = "cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"
NAMES = {"sgd": LEFT, "adam": RIGHT}
SVG = "{http://www.w3.org/2000/svg}"


def read(path):
    with open(path.with_suffix(".csv"), newline="") as file:
        return list(csv.DictReader(file))


def words(path):
    root = xml.parse(path.with_suffix(".svg"))
    return {"".join(element.itertext()).strip() for element in root.iter(f"{SVG}text")}


def drawn(folder, numbers, **laid):
    """Evidence on trainings of two recipes, and everything drawn."""
    store, weights = Store(folder / "evidence"), folder / "weights"
    ids = lay(store, numbers, names=NAMES, **laid)
    pair = store.comparison(LEFT, RIGHT)
    stops = pair["agreement"]["gradcam"]["stops"]
    stops[1] |= {"rank": None, "overlap": None, "rank_mean": None, "overlap_mean": None}
    row = pair["measures"]["head_share"]["stops"][1]
    row |= {"left": None, "difference": None}
    store.write_pair(pair, {"identities": np.zeros(1)})
    for place, model_id in enumerate(model_id for models in ids.values() for model_id in models):
        evaluated(weights / model_id, place)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as of a layout that collapsed
        return store, plots.draw_all(store, weights, [(LEFT, RIGHT), (LEFT, f"{LEFT}-seed2")])


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two trainings of each recipe, as far apart as can be."""
    return drawn(tmp_path_factory.mktemp("two"), {"sgd": 2, "adam": 2}, planted={"contrast": {3: 9.0}}, gap=0.3)


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    """Five of each, which differ in the contrast of one layer, and agree less with one another."""
    laid = {"planted": {"contrast": {3: 0.1}}, "gap": 0.1, "seed": 4}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda file: None)
        return drawn(tmp_path_factory.mktemp("five"), {"sgd": 5, "adam": 5}, **laid)


def test_every_plot_is_an_svg_for_any_ground_with_its_numbers_beside_it(two):
    folder = two[0].pair(LEFT, RIGHT)
    names = {path.stem for path in folder.glob("*.svg")}
    assert names == {"curves", "confusion", "roc", "reliability", "agreement", "features", "focus", "heads", "cka"}
    for path in folder.glob("*.svg"):
        text = path.read_text()
        root = xml.fromstring(text)
        assert root.get("viewBox")
        assert root.get("width") is None
        assert "currentColor" in text
        assert plots.INK not in text
        assert read(path)


def test_the_words_of_a_plot_are_words(two):
    assert {"1,234", "5", "7", "890", f"{LEFT} & <b>", f"{RIGHT} & <b>"} <= words(
        two[0].pair_plot(LEFT, RIGHT, "confusion")
    )


def test_seeds_stand_behind_the_pair_they_measure_and_not_behind_themselves(two):
    store, _ = two
    rows = read(store.pair_plot(LEFT, RIGHT, "agreement"))
    assert len({row["pair"] for row in rows}) == 3
    assert len([row for row in rows if LEFT in row["pair"] and RIGHT in row["pair"]]) == len(DEPTHS) - 1
    rows = read(store.pair_plot(LEFT, f"{LEFT}-seed2", "agreement"))
    stops = store.comparison(LEFT, f"{LEFT}-seed2")["agreement"]["gradcam"]["stops"]
    told = [(float(row["depth"]), float(row["rank_p50"])) for row in rows]
    assert told == [(stop["depth"], stop["rank"][1]) for stop in stops]
    assert plots.seeds(store, LEFT, f"{LEFT}-seed2") == []


def test_tables_hold_the_figures(two):
    store, _ = two
    comparison = store.comparison(LEFT, RIGHT)
    rows = read(store.pair_plot(LEFT, RIGHT, "heads"))
    for label, side in ((f"{LEFT} & <b>", "left"), ("left - right", "difference")):
        told = [row for row in rows if (row["measure"], row["model"]) == ("head_share", label)]
        stops = [stop[side] for stop in comparison["measures"]["head_share"]["stops"] if stop[side]]
        assert len(told) == len(DEPTHS) - 1
        assert [(float(row["mean"]), float(row["low"])) for row in told] == [(s["mean"], s["low"]) for s in stops]
    assert [row["mean"] for row in rows if row["measure"] == "animal area"] == ["0.41"]
    rows = read(store.pair_plot(LEFT, RIGHT, "cka"))
    assert [float(row["cka"]) for row in rows] == list(np.ravel(comparison["cka"]["values"]))
    ends = [(row["low"] != "", row["left"] == row["right"]) for row in rows]
    assert {known == diagonal for known, diagonal in ends} == {True}  # the diagonal: one depth


# --- what is marked ---------------------------------------------------------------------------------------------------


def test_with_two_trainings_each_nothing_is_marked_however_far_they_are_apart(two):
    store, _ = two
    for name in ("features", "focus", "heads", "agreement", "cka"):
        rows = read(store.pair_plot(LEFT, RIGHT, name))
        assert not any("p" in row for row in rows)
        assert not any("differ" in word for word in words(store.pair_plot(LEFT, RIGHT, name)))


def test_with_five_a_planted_difference_is_marked_and_its_absence_is_not(five):
    store, _ = five
    rows = [row for row in read(store.pair_plot(LEFT, RIGHT, "features")) if row["p"]]
    assert {row["model"] for row in rows} == {"5 and 5 trainings"}
    marked = {(row["measure"], float(row["depth"])) for row in rows if float(row["p"]) <= recipes.SIGNIFICANT}
    assert marked == {("contrast", DEPTHS[3])}
    assert any("recipes differ" in word for word in words(store.pair_plot(LEFT, RIGHT, "features")))
    rows = read(store.pair_plot(LEFT, RIGHT, "focus"))
    assert not any(float(row["p"]) <= recipes.SIGNIFICANT for row in rows if row["p"])
    assert not any("differ" in word for word in words(store.pair_plot(LEFT, RIGHT, "focus")))


def test_agreement_and_likeness_are_marked_where_trainings_of_two_recipes_are_less_alike(five):
    store, _ = five
    rows = [row for row in read(store.pair_plot(LEFT, RIGHT, "agreement")) if row["p"]]
    assert {row["measure"] for row in rows} == {"rank", "overlap"}
    assert all(float(row["p"]) <= recipes.SIGNIFICANT for row in rows)
    assert "two seeds, 20 pairs" in words(store.pair_plot(LEFT, RIGHT, "agreement"))
    rows = [row for row in read(store.pair_plot(LEFT, RIGHT, "cka")) if row["p"]]
    assert {row["left"] for row in rows} == set(LAYERS)


# --- claims -----------------------------------------------------------------------------------------------------------


def test_claims_are_judged_and_drawn_where_there_is_a_figure(two, five):
    for store, judged in (two, five):
        assert json.loads((store.folder / "claims.json").read_text()) == judged
        assert {path.stem for path in (store.folder / "claims").glob("*.svg")} == {
            claim["id"] for claim in judged if claim["figure"]
        }
        assert [claim["id"] for claim in judged] == [claim.id for claim in CLAIMS]
    claim = next(claim for claim in judged if claim["id"] == "adam-distinct")
    rows = read(store.claim_plot("adam-distinct"))
    assert [row["what"] for row in rows[:2]] == ["the claim's figure", "margin"]
    assert float(rows[0]["low"]) == claim["figure"]["low"]
    assert len(rows) == 2 + 10  # every training


@pytest.mark.slow
def test_a_plot_that_can_be_drawn_no_longer_is_removed(tmp_path):
    store, judged = drawn(tmp_path, {"sgd": 2, "adam": 2})
    claim = next(claim for claim in judged if claim["figure"])
    assert store.claim_plot(claim["id"]).with_suffix(".svg").exists()
    plots.draw_claim(store, claim | {"figure": None})
    assert not store.claim_plot(claim["id"]).with_suffix(".svg").exists()
    store.write_pair(store.comparison(LEFT, RIGHT) | {"areas": None}, {"identities": np.zeros(1)})
    plots.draw(store, LEFT, RIGHT, tmp_path / "weights")
    assert store.svg(store.pair_plot(LEFT, RIGHT, "heads")) is None


# --- many classes -----------------------------------------------------------------------------------------------------


def test_many_classes_have_one_curve_and_calibration_begins_where_the_bins_do(tmp_path):
    checkpoints = {"left": tmp_path / "a", "right": tmp_path / "b"}
    for folder in checkpoints.values():
        points = [(0, 0), (0.02, 0.5), (0.3, 0.9), (1, 1)]
        rows = [{"class": str(k), "false_positive": f, "true_positive": t} for k in range(20) for f, t in points]
        table(folder / "evaluation/roc.csv", rows)
        bins = [{"confidence_low": c - 0.1, "confidence": c, "accuracy": c, "n": 9} for c in (0.2, 0.9)]
        table(folder / "evaluation/reliability.csv", bins)
    figure, rows = plots.roc(checkpoints, {"left": "A", "right": "B"})
    lines = figure.axes[0].get_lines()
    assert len(lines) == 3  # two models, and chance
    assert lines[0].get_label() == "A: mean of 20 classes"
    x, y = lines[0].get_data()
    assert np.interp(0.3, x, y) == pytest.approx(0.9, abs=0.01)
    assert len(rows) == 2 * 20 * 4
    figure, _ = plots.reliability(checkpoints, {"left": "A", "right": "B"})
    assert figure.axes[0].get_lines()[0].get_xdata()[0] == pytest.approx(0.1)


def test_a_history_that_was_validated_within_epochs_is_drawn(tmp_path):
    checkpoints = {"left": tmp_path / "a", "right": tmp_path / "b"}
    for folder in checkpoints.values():
        rows = [
            {"epoch": epoch, "size": 160, "accuracy": "" if epoch % 1 else 0.9, "log_loss": "" if epoch % 1 else 0.2}
            | {"val_accuracy": 0.9 + epoch / 100, "val_log_loss": 0.3}
            for epoch in (0.5, 1.0, 1.5, 2.0)
        ]
        table(folder / "history.csv", rows)
    figure, _ = plots.curves(checkpoints, {"left": "A", "right": "B"})
    validation, training = figure.axes[0].get_lines()[:2]
    assert list(validation.get_xdata()) == [0.5, 1, 1.5, 2]
    assert list(training.get_xdata()) == [1, 2]


def test_shades_of_counts_let_the_ground_through_and_grow_with_them():
    """In light and dark alike: what is drawn into a plot as a picture cannot follow the page's colours."""
    shades = plots.shades(np.array([[1970, 30], [0, 1981]]))
    assert shades[1, 0, 3] == 0 < shades[0, 1, 3] < shades[0, 0, 3] < shades[1, 1, 3] < 0.6
    assert len({tuple(shade[:3]) for shade in shades.reshape(-1, 4)}) == 1
    assert plots.shades(np.zeros((2, 2), int))[..., 3].max() == 0
