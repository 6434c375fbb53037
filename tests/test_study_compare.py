"""Checkpoints over many pictures: every figure is the mean of the single pictures', of a model or of a pair."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from explain import Checkpoint, explain
from explain.agreement import cka
from explain.align import compare
from explain.cards import Card, Digests
from explain.ensembles import Ensemble
from explain.measures import feature_figures, focus_entropy, share_inside, wilson
from explain.rules import RULES
from study import StudyError
from study.__main__ import keep
from study.compare import below, differing, likeness, reproduced
from study.compare import compare as compare_measured
from study.measure import LIFTS, MARKED, MEASURES, at, history, kept, measure
from study.store import Store
from training.data import pets
from training.data.dataset import DataError, pixels

pytest_plugins = ["study_fixtures"]


def checkpoint(model_id, seed, classes=("Cat", "Dog"), depth=3):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(6, 3, 2, "same", activation="relu") for _ in range(depth)]
    head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 128, -1), *layers, *head])
    digests = Digests(model=model_id * 2)
    card = Card(
        model_id=model_id,
        title=model_id.upper(),
        description="A net.",
        classes=classes,
        input_size=(32, 32),
        digests=digests,
    )
    return Checkpoint(card, Path("nowhere"), model)


@pytest.fixture(scope="module")
def pair():
    return checkpoint("a", 1), checkpoint("b", 2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def measured(pair, dataset, marked, cache):
    """Of both: measures and single pictures."""
    return [measure(side, dataset, "validation", 12, cache, marked) for side in pair]


def compared(pair, measured, cache):
    maps = [kept(measures["model"], measures["pictures"], cache) for measures, _ in measured]
    return compare_measured(*zip(*measured, strict=True), maps, [side.input_size for side in pair])


@pytest.fixture(scope="module")
def comparison(pair, measured, cache):
    return compared(pair, measured, cache)


@pytest.fixture(scope="module")
def batch(dataset, cache):
    return np.asarray(pixels(dataset.items["validation"], 32, cache))


@pytest.fixture(scope="module")
def explanations(pair, dataset, batch):
    """Of both, for the true classes."""
    truth = [item.label for item in dataset.items["validation"]]
    return [explain(side.model, batch, target=truth, rules=("gradcam", "hirescam"), features=6) for side in pair]


# --- one training -----------------------------------------------------------------------------------------------------


def test_measures_are_means_of_the_single_pictures(measured, pair, batch, explanations):
    for (measures, arrays), side, explanation in zip(measured, pair, explanations, strict=True):
        predicted = explain(side.model, batch)  # maps are those for what each predicts itself
        assert (arrays["predicted"] == predicted.probabilities.argmax(1)).all()
        assert (predicted.targets != explanation.targets).any()
        for place, layer in enumerate(measures["layers"]):
            features, maps = explanation.features[layer["address"]], predicted.maps["gradcam"][layer["address"]]
            expected = feature_figures(features) | {
                "dead": features.dead,
                "focus_entropy": np.array([focus_entropy(heatmap) for heatmap in maps], float),
            }
            for name, values in expected.items():
                figure = measures["measures"][name]["layers"][place]
                assert figure["mean"] == pytest.approx(np.nanmean(values), abs=1e-4), name
                assert figure["n"] == np.isfinite(values).sum()
                assert figure["low"] <= figure["mean"] <= figure["high"]
                np.testing.assert_allclose(arrays[name][:, place], values, atol=1e-4)


def test_heat_in_heads_and_animals_is_held_against_their_areas(measured, pair, marked):
    measures, arrays = measured[0]
    assert measures["heads"] == {"name": "five", "n": 5, "digest": marked.digest}
    assert (measures["areas"]["head"]["mean"], measures["areas"]["animal"]["mean"]) == (0.25, 0.5)
    left = explain(pair[0].model, [marked[i].pixels for i in range(5)])
    maps = left.maps["gradcam"][measures["layers"][0]["address"]]
    share = np.array([share_inside(heatmap, marked[0].animal) for heatmap in maps], float)
    for name, expected in (
        ("animal_share", share),
        ("animal_lift", share - 0.5),
        ("astray", np.where(np.isnan(share), np.nan, share < 0.5)),
    ):
        assert measures["measures"][name]["layers"][0]["mean"] == pytest.approx(np.nanmean(expected), abs=1e-4)
    assert (arrays["marked_labels"] == 0).all()
    assert (arrays["marked_predicted"] == left.probabilities.argmax(1)).all()
    figure = measures["measures"]["astray"]["layers"][0]
    low, high = wilson(round(figure["mean"] * figure["n"]), figure["n"])
    assert (figure["low"], figure["high"]) == pytest.approx((low, high), abs=1e-5)


def test_without_marked_pictures_nothing_is_said_of_them(pair, dataset, tmp_path):
    measures, arrays = measure(pair[0], dataset, "validation", 4, tmp_path)
    assert measures["heads"] is measures["areas"] is None
    assert set(measures["measures"]) == set(MEASURES) - set(MARKED)
    assert not set(arrays) & {*MARKED, "marked_labels"}


def test_a_place_is_a_mean_over_a_model_s_own_layers():
    values, depths = np.array([[1.0, 0, 0, 0, 0], [np.nan, 0, 1, 1, 0]]), np.linspace(0, 1, 5)
    assert at(values, "all", depths).tolist() == [0.2, 0.5]
    assert at(values, "deep", depths).tolist() == [0, 2 / 3]
    assert at(values, "last", depths).tolist() == [0, 0]


def test_the_same_model_has_the_same_figures_beside_any_other(pair, measured, dataset, marked, cache):
    """Deeper nets repeat its layers at several stops; its mean over all depths is over its own layers."""
    deep = checkpoint("c", 3, depth=5)
    other = compared((pair[0], deep), [measured[0], measure(deep, dataset, "validation", 12, cache, marked)], cache)[0]
    twin = compared((pair[0], pair[1]), measured, cache)[0]
    assert len(other["stops"]) > len(twin["stops"])
    single = measured[0][0]["measures"]
    for name, table in other["measures"].items():
        for place in ("all", "last", "deep"):
            assert table[place]["left"] == twin["measures"][name][place]["left"] == single[name][place]


def test_pictures_are_taken_evenly_from_the_whole_split(pair, dataset, tmp_path):
    _, arrays = measure(pair[0], dataset, "validation", 8, tmp_path)
    identities = [item.identity for item in dataset.items["validation"]]
    places = [identities.index(identity) for identity in arrays["identities"]]
    assert places == [0, 1, 3, 4, 6, 7, 9, 10]  # of six cats and six dogs


def test_the_cache_holds_raw_maps_of_the_true_class_and_channels_averaged_over_space(measured, explanations, cache):
    (measures, _), explanation = measured[0], explanations[0]
    maps = kept(measures["model"], measures["pictures"], cache)
    assert maps.layers == explanation.layers
    for place, layer in enumerate(explanation.layers):
        for rule in ("gradcam", "hirescam"):
            np.testing.assert_allclose(maps.heatmaps(rule, place), explanation.maps[rule][layer.address], atol=1e-6)
        features = explanation.features[layer.address]
        means = np.zeros((12, 6))
        for picture, channels in enumerate(features.channels):
            means[picture, channels] = features.maps[picture].mean((0, 1))
        np.testing.assert_allclose(maps.means(place), means, atol=1e-6)


def test_maps_of_other_files_pictures_or_rules_and_half_written_ones_are_none(measured, cache, monkeypatch):
    measures, _ = measured[0]
    assert kept("another", measures["pictures"], cache) is kept(measures["model"], "others", cache) is None
    monkeypatch.setitem(RULES, "new", RULES["gradcam"])
    assert kept(measures["model"], measures["pictures"], cache) is None
    monkeypatch.undo()
    monkeypatch.setitem(RULES, "gradcam", replace(RULES["gradcam"], equation="another"))
    assert kept(measures["model"], measures["pictures"], cache) is None
    monkeypatch.undo()
    listed = kept(measures["model"], measures["pictures"], cache).folder / "layers.json"
    text = listed.read_text()
    listed.unlink()
    assert kept(measures["model"], measures["pictures"], cache) is None
    listed.write_text(text)


def test_other_classes_are_refused(dataset, tmp_path):
    with pytest.raises(StudyError, match="other classes"):
        measure(checkpoint("b", 2, ("Cow", "Dog")), dataset, "validation", 4, tmp_path)


@pytest.mark.parametrize(("classes", "marks"), [(("cat", "DOG"), True), (("Dog", "Cat"), False), (("A", "B"), False)])
def test_heads_and_animals_are_measured_for_cats_and_dogs_alone(classes, marks, dataset, marked, tmp_path):
    side = checkpoint("e", 2, classes)
    measures, arrays = measure(side, replace(dataset, classes=classes), "validation", 4, tmp_path, marked)
    assert (measures["heads"] is not None, measures["areas"] is not None) == (marks, marks)
    assert set(measures["measures"]) == set(MEASURES) - (set() if marks else set(MARKED))
    assert ("marked_labels" in arrays) == marks


def test_an_ensemble_is_refused_and_nothing_is_wiped(pair, dataset, tmp_path):
    digest = measure(pair[0], dataset, "validation", 4, tmp_path)[0]["pictures"]
    both = Ensemble(replace(pair[0].card, model_id="both", members=("a", "b")), Path(), pair)
    with pytest.raises(StudyError, match=r"both is an ensemble; its members are measured one by one\."):
        measure(both, dataset, "validation", 4, tmp_path)
    assert kept(pair[0].card.digests.model, digest, tmp_path)


def test_a_history_has_the_whole_epochs(tmp_path):
    path = tmp_path / "history.csv"
    rows = ["epoch,size,accuracy,val_accuracy", "0.5,160,,0.6", "1.0,160,0.7,0.8", "1.5,160,,0.85", "2,192,0.8,0.9"]
    path.write_text("\n".join(rows))
    assert history(path) == [
        {"epoch": 1, "size": 160, "accuracy": 0.8},
        {"epoch": 2, "size": 192, "accuracy": 0.9},
    ]
    assert history(tmp_path / "none.csv") == []


# --- a pair -----------------------------------------------------------------------------------------------------------


def test_a_checkpoint_agrees_with_itself(pair, measured, cache):
    figures, _ = compared((pair[0], pair[0]), [measured[0]] * 2, cache)
    for rule in figures["agreement"].values():
        for stop in rule["stops"]:
            if stop["rank_n"]:
                assert stop["rank"] == stop["overlap"] == [1, 1, 1]
    for table in figures["measures"].values():
        for row in [*table["stops"], table["all"]]:
            if row["difference"]:
                assert row["difference"]["mean"] == 0
    assert np.diag(figures["cka"]["values"]) == pytest.approx(1)


def test_agreement_is_that_of_the_single_pictures(comparison, explanations):
    figures, pictures = comparison
    singles = [compare(*explanations, rule="hirescam", picture=i).stops for i in range(12)]
    table = figures["agreement"]["hirescam"]
    assert figures["n"] == table["n"] == 12
    assert len(table["stops"]) == len(singles[0]) == len(figures["stops"]) >= 2
    assert figures["stops"][-1]["depth"] == 1
    for place, stop in enumerate(table["stops"]):
        for name in ("rank", "overlap"):
            values = [value for single in singles if (value := getattr(single[place].versus[1], name)) is not None]
            assert stop[f"{name}_n"] == len(values)
            if values:
                assert stop[name] == pytest.approx(np.percentile(values, [10, 50, 90]), abs=2e-4)
                assert stop[f"{name}_mean"]["mean"] == pytest.approx(np.mean(values), abs=1e-5)
    last = [compare(*explanations, rule="gradcam", picture=i).stops[-1].versus[1].rank for i in range(12)]
    np.testing.assert_allclose(pictures["rank_last"], np.array(last, float), atol=1e-5)


def test_differences_are_of_the_same_pictures(comparison, measured):
    figures, _ = comparison
    assert set(figures["measures"]) == set(MEASURES) - set(LIFTS)
    left, right = (arrays for _, arrays in measured)
    for name, table in figures["measures"].items():
        for place, row in enumerate(table["stops"]):  # equal nets: their layers stand one to one
            differences = left[name][:, place] - right[name][:, place]
            if np.isfinite(differences).any():
                assert row["difference"]["mean"] == pytest.approx(np.nanmean(differences), abs=1e-5)
                assert row["difference"]["n"] == np.isfinite(differences).sum()


def test_cka_is_of_features_averaged_over_space(comparison, measured, cache):
    figures, _ = comparison
    maps = [kept(side["model"], side["pictures"], cache) for side, _ in measured]
    for i, row in enumerate(figures["cka"]["values"]):
        for j, value in enumerate(row):
            assert value == pytest.approx(cka(maps[0].means(i), maps[1].means(j)), abs=1e-4)
    assert figures["cka"]["stops"][0]["mean"] == pytest.approx(figures["cka"]["values"][0][0], abs=1e-4)


def test_unrelated_features_have_zero_in_their_interval_however_many_the_channels():
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(30, 200)), rng.normal(size=(30, 200))]
    [figures] = likeness([features[0]], [features[1]], [(0, 0)])["stops"]
    assert figures["mean"] == pytest.approx(cka(*features), abs=1e-6)
    assert figures["low"] < figures["mean"] < figures["high"]
    assert figures["low"] < 0 < figures["high"]
    [same] = likeness([features[0]], [features[0]], [(0, 0)])["stops"]
    assert (same["low"], same["mean"], same["high"]) == pytest.approx((1, 1, 1))
    figures = likeness([features[0], np.ones((30, 4))], [features[1]], [(0, 0), (1, 0)])
    assert figures["stops"][1] is None  # a layer that says the same of all pictures
    assert figures["values"][1] == [None]
    assert figures["all"]["mean"] == figures["stops"][0]["mean"]
    json.dumps(figures, allow_nan=False)


def test_models_of_other_depths_are_compared_by_stops(pair, measured, dataset, marked, cache):
    deep = checkpoint("d", 4, depth=4)
    side = measure(deep, dataset, "validation", 12, cache, marked)
    figures, _ = compared((pair[0], deep), [measured[0], side], cache)
    lengths = {len(figures["stops"]), len(figures["cka"]["stops"]), len(figures["measures"]["dead"]["stops"])}
    assert lengths == {len(figures["agreement"]["gradcam"]["stops"])}
    assert {stop["right"] for stop in figures["stops"]} == set(figures["cka"]["right"])
    assert len(figures["cka"]["values"]) == len(figures["cka"]["left"]) < len(figures["cka"]["right"])


def test_a_mean_difference_is_of_depths_where_both_sides_are_defined():
    left, right, depths = np.array([[1.0, 5.0]] * 3), np.array([[2.0, np.nan]] * 3), np.array([0.0, 1.0])
    table = differing("dead", left, right, [(0, 0), (1, 1)], depths, depths)
    assert table["all"]["difference"]["mean"] == -1
    assert (table["all"]["left"]["mean"], table["all"]["right"]["mean"]) == (3, 2)


def test_what_a_picture_does_or_does_not_has_no_interval_of_zero_width():
    nothing, depths = np.zeros((300, 2)), np.array([0.0, 1.0])
    for row in differing("astray", nothing, nothing, [(0, 0), (1, 1)], depths, depths)["stops"]:
        assert row["left"]["high"] > 0.01
        assert row["difference"]["low"] < -0.01 < 0.01 < row["difference"]["high"]


def test_sides_that_were_measured_on_other_pictures_are_refused(pair, measured, dataset, tmp_path, cache):
    other = measure(pair[1], dataset, "validation", 8, tmp_path)
    maps = [
        kept(measured[0][0]["model"], measured[0][0]["pictures"], cache),
        kept("bb", other[0]["pictures"], tmp_path),
    ]
    with pytest.raises(StudyError, match="a and b were measured on different pictures"):
        compare_measured(*zip(measured[0], other, strict=True), maps, [(32, 32)] * 2)
    heads = measured[1][0] | {"heads": None}
    with pytest.raises(StudyError, match="different marked pictures"):
        compare_measured((measured[0][0], heads), (measured[0][1],) * 2, maps, [(32, 32)] * 2)


def test_it_is_written_where_it_is_read(measured, comparison, tmp_path):
    store = Store(tmp_path / "evidence")
    assert store.write_model(*measured[0]) == tmp_path / "evidence" / "models" / "a"
    assert store.measures("a") == json.loads(json.dumps(measured[0][0], allow_nan=False))
    assert store.write_pair(*comparison) == tmp_path / "evidence" / "pairs" / "a--b"
    assert store.comparison("a", "b") == json.loads(json.dumps(comparison[0], allow_nan=False))
    assert store.pairs() == [("a", "b")]
    with np.load(store.pair_pictures("a", "b"), allow_pickle=False) as stored:
        assert stored["identities"].tolist() == comparison[1]["identities"].tolist()
    np.testing.assert_array_equal(store.model_pictures("a")["dead"], measured[0][1]["dead"])


def test_measures_of_more_pictures_are_not_replaced_unasked(measured):
    measures, _ = measured[0]
    keep(measures, 12, 5)
    with pytest.raises(StudyError, match=r"measured on 12 pictures, not 11 \(--count\)\. .* add --force"):
        keep(measures, 11, 5)
    with pytest.raises(StudyError, match=r"on 5 pictures with marked heads \(--heads-dir\)"):
        keep(measures, 12, 0)


def test_how_often_luck_alone_lies_below_the_band():
    # ten pictures, five stops: the first picture is lowest at two stops, each of the others at none or one
    ranks = np.full((10, 5), 0.5) + np.arange(10)[:, None] / 100
    ranks[0], ranks[1, 0], ranks[2, 1] = 0.9, 0.1, 0.1
    ranks[0, 2:4] = 0.1
    ranks[3, 4] = 0.1
    # shares of stops below: 0.4, 0.2, 0.2, 0.2 and six times none; the 90th percentile of ten lies 0.1 above the ninth
    assert below(ranks) == pytest.approx(0.2 + 0.1 * 0.2)
    assert below(np.full((3, 2), np.nan)) is None


# --- marked pictures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["[]", "{}", '[{"name": 1}]', "nothing"])
def test_a_folder_of_another_form_is_refused(broken, tmp_path):
    (tmp_path / "heads.json").write_text(broken)
    with pytest.raises(DataError, match=r"heads\.json"):
        pets.load(tmp_path)


@pytest.mark.parametrize("name", ["heads.json", "pictures/c.jpg", "masks/a.png"])
def test_the_digest_of_marked_pictures_covers_every_file(marked, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(marked.folder, copy)
    assert pets.load(copy).digest == marked.digest
    with open(copy / name, "ab") as file:
        file.write(b" ")
    assert pets.load(copy).digest != marked.digest


def test_a_missing_mask_is_said(marked, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(marked.folder, copy)
    (copy / "masks/a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png"):
        _ = pets.load(copy).digest


# --- the same again ---------------------------------------------------------------------------------------------------


def test_figures_are_held_against_earlier_ones(measured, comparison):
    for kept_figures, place in ((comparison[0], ("all", "left")), (measured[0][0], ("all",))):
        count, apart, where = reproduced(kept_figures, kept_figures)
        assert (count > 100, apart, where) == (True, 0.0, "")
        other = json.loads(json.dumps(kept_figures))
        figure = other["measures"]["contrast"]
        for key in place:
            figure = figure[key]
        figure["mean"] += 0.25
        assert reproduced(kept_figures, other)[1:] == (
            pytest.approx(0.25),
            f"/measures/contrast/{'/'.join(place)}/mean",
        )
        other["data" if "data" in other else "n"] = "another"
        tipped = json.loads(json.dumps(kept_figures))
        share = tipped["measures"]["astray"]
        for key in place:
            share = share[key]
        share["mean"] += 1 / share["n"]  # a picture that lies on the other side by a rounding
        assert reproduced(kept_figures, tipped)[1] == 0.0
        share["mean"] += 1 / share["n"]
        assert reproduced(kept_figures, tipped)[1] == pytest.approx(0.9 / share["n"])
        assert reproduced(kept_figures, other)[1] == float("inf")
        without = kept_figures | {"heads": None, "areas": None}
        without["measures"] = {name: table for name, table in kept_figures["measures"].items() if name not in MARKED}
        assert reproduced(kept_figures, without)[1:] == reproduced(without, kept_figures)[1:] == (0.0, "")
