"""Comparing checkpoints over many pictures: every figure is the mean of the single pictures', and claims follow."""

import json
import types
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy import stats

from explain import Checkpoint, compare, explain
from explain.agreement import cka
from explain.cards import Card, Digests
from explain.measures import feature_figures, focus_entropy, share_inside
from training import claims, data
from training.claims import CLAIMS, FAILS, HOLDS, OPEN, judge
from training.compare import (
    MEASURES,
    CompareError,
    _below,
    _cka,
    _differing,
    _draws,
    _figure,
    keep,
    measure,
    reproduced,
    signed_rank,
    write,
)
from training.data import cats_dogs, pets
from training.data.dataset import DataError, pixels, read_split


def checkpoint(id, seed, classes=("Cat", "Dog"), depth=3):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(6, 3, 2, "same", activation="relu") for _ in range(depth)]
    head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 128, -1), *layers, *head])
    digests = Digests(model=id * 2)
    card = Card(
        model_id=id, title=id.upper(), description="A net.", classes=classes, input_size=(32, 32), digests=digests
    )
    return Checkpoint(card, Path(), model)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    split = cats_dogs._handful(read_split(cats_dogs.SPLIT_FILE), 6)
    return data.load("cats-dogs", cats_dogs.draw(folder, split), folder / "cache", handful=6)


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Five drawn pictures, 40 x 80, whose left quarter is the head and left half the animal."""
    folder = tmp_path_factory.mktemp("marked") / "five"
    rng = np.random.default_rng(0)
    for part in ("pictures", "masks"):
        (folder / part).mkdir(parents=True)
    mask = np.zeros((40, 80), np.uint8)
    mask[:, :40] = 255
    entries = []
    for name in "abcde":
        keras.utils.save_img(folder / "pictures" / f"{name}.jpg", rng.integers(0, 255, (40, 80, 3)))
        keras.utils.save_img(folder / "masks" / f"{name}.png", mask[..., None], scale=False)
        entries.append({"name": name, "species": "cat", "heads": [[0.0, 0.0, 20.0, 40.0]]})
    (folder / "heads.json").write_text(json.dumps(entries))
    return pets.load(folder)


@pytest.fixture(scope="module")
def pair():
    return checkpoint("a", 1), checkpoint("b", 2)


@pytest.fixture(scope="module")
def found(pair, dataset, marked, tmp_path_factory):
    return measure(*pair, dataset, "validation", 12, tmp_path_factory.mktemp("cache"), marked)


@pytest.fixture(scope="module")
def explanations(pair, dataset, tmp_path_factory):
    batch = np.asarray(pixels(dataset.items["validation"], 32, tmp_path_factory.mktemp("cache")))
    mean = sum(side.predict(batch) for side in pair)
    return [
        explain(s.model, batch, target=list(mean.argmax(1)), rules=("gradcam", "hirescam"), features=6) for s in pair
    ]


def test_a_checkpoint_agrees_with_itself(pair, dataset, tmp_path):
    found, _ = measure(pair[0], pair[0], dataset, "validation", 5, tmp_path)
    for rule in found["agreement"].values():
        for stop in rule["stops"]:
            if stop["rank_n"]:
                assert stop["rank"] == stop["overlap"] == [1, 1, 1]
    for table in found["measures"].values():
        for row in [*table["stops"], table["all"]]:
            if row["difference"]:
                assert {row["difference"][key] for key in ("mean", "low", "high")} == {0}
                assert row["difference"]["p"] == 1
    assert np.diag(found["cka"]["values"]) == pytest.approx(1)
    assert found["heads"] is found["areas"] is None
    assert not any(MEASURES[name].marked for name in found["measures"])


def test_agreement_is_that_of_the_single_pictures(found, explanations):
    found, pictures = found
    singles = [compare(*explanations, rule="hirescam", picture=i).stops for i in range(12)]
    table = found["agreement"]["hirescam"]
    assert found["n"] == table["n"] == 12
    assert len(table["stops"]) == len(singles[0]) == len(found["stops"]) >= 2
    assert found["stops"][-1]["depth"] == 1
    for place, stop in enumerate(table["stops"]):
        for name in ("rank", "overlap"):
            values = [value for one in singles if (value := getattr(one[place].versus[1], name)) is not None]
            assert stop[f"{name}_n"] == len(values)
            if values:
                assert stop[name] == pytest.approx(np.percentile(values, [10, 50, 90]), abs=2e-4)
                assert stop[f"{name}_mean"]["mean"] == pytest.approx(np.mean(values), abs=1e-5)
    last = [compare(*explanations, rule="gradcam", picture=i).stops[-1].versus[1].rank for i in range(12)]
    np.testing.assert_allclose(pictures["rank_last"], np.array(last, float), atol=1e-5)


def test_measures_are_means_of_the_single_pictures(found, pair, dataset, explanations, tmp_path):
    found, _ = found
    batch = np.asarray(pixels(dataset.items["validation"], 32, tmp_path))
    owns = [explain(side.model, batch) for side in pair]  # of maps: for what each predicts itself
    assert any((own.targets != one.targets).any() for own, one in zip(owns, explanations, strict=True))
    for place, stop in enumerate(found["stops"]):
        for side, explanation, own in zip(("left", "right"), explanations, owns, strict=True):
            features = explanation.features[stop[side]]
            maps = own.maps["gradcam"][stop[side]]
            expected = feature_figures(features) | {
                "dead": features.dead,
                "focus_entropy": np.array([focus_entropy(map) for map in maps], float),
            }
            for name, values in expected.items():
                figure = found["measures"][name]["stops"][place][side]
                assert figure["mean"] == pytest.approx(np.nanmean(values), abs=1e-5), (name, side)
                assert figure["n"] == np.isfinite(values).sum()
                assert figure["low"] <= figure["mean"] <= figure["high"]


def test_heat_in_heads_and_animals_is_held_against_their_areas(found, pair, marked):
    found, _ = found
    assert found["heads"]["n"] == 5
    assert found["areas"]["head"]["mean"] == 0.25
    assert found["areas"]["animal"]["mean"] == 0.5
    pictures = [marked[i].pixels for i in range(5)]
    left = explain(pair[0].model, pictures)
    address = found["stops"][0]["left"]
    shares = [share_inside(map, marked[0].animal) for map in left.maps["gradcam"][address]]
    values = np.array(shares, float)
    for name, expected in (
        ("animal_share", values),
        ("animal_lift", values - 0.5),
        ("astray", np.where(np.isnan(values), np.nan, values < 0.5)),
    ):
        assert found["measures"][name]["stops"][0]["left"]["mean"] == pytest.approx(np.nanmean(expected), abs=1e-5)


def test_cka_is_of_features_averaged_over_space(found, explanations):
    found, _ = found
    pooled = []
    for explanation, side in zip(explanations, ("left", "right"), strict=True):
        features = explanation.features[found["cka"][side][0]]
        means = np.zeros((12, 6))
        for picture, channels in enumerate(features.channels):
            means[picture, channels] = features.maps[picture].mean((0, 1))
        pooled.append(means)
    assert found["cka"]["values"][0][0] == pytest.approx(cka(*pooled), abs=1e-4)
    assert found["cka"]["stops"][0]["mean"] == pytest.approx(cka(*pooled), abs=1e-4)


def test_cka_lies_in_its_interval_however_many_the_channels():
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(30, 200)), rng.normal(size=(30, 200))]
    layers = [[types.SimpleNamespace(address=name)] for name in "ab"]
    [found] = _cka(layers, [[side] for side in features], [(0, 0)])["stops"]
    assert found["mean"] == pytest.approx(cka(*features), abs=1e-6)
    assert found["low"] < found["mean"] < found["high"]
    assert found["low"] < 0 < found["high"]
    [same] = _cka(layers, [[features[0]]] * 2, [(0, 0)])["stops"]
    assert (same["low"], same["mean"], same["high"]) == (1, 1, 1)
    layers = [[*layers[0], types.SimpleNamespace(address="c")], layers[1]]
    found = _cka(layers, [[features[0], np.ones((30, 4))], [features[1]]], [(0, 0), (1, 0)])
    assert found["stops"][1] is None  # a layer that says the same of all pictures
    assert found["values"][1] == [None]
    assert found["all"]["mean"] == found["stops"][0]["mean"]
    json.dumps(found, allow_nan=False)


def test_models_of_other_depths_are_compared_by_stops(pair, dataset, tmp_path):
    found, _ = measure(pair[0], checkpoint("c", 3, depth=4), dataset, "validation", 3, tmp_path)
    lengths = {len(found["stops"]), len(found["cka"]["stops"]), len(found["measures"]["dead"]["stops"])}
    assert lengths == {len(found["agreement"]["gradcam"]["stops"])}
    assert {stop["right"] for stop in found["stops"]} == set(found["cka"]["right"])
    assert len(found["cka"]["values"]) == len(found["cka"]["left"]) < len(found["cka"]["right"])


def test_pictures_are_taken_evenly_from_the_whole_split(pair, dataset, tmp_path):
    _, pictures = measure(*pair, dataset, "validation", 8, tmp_path)
    identities = [item.identity for item in dataset.items["validation"]]
    places = [identities.index(identity) for identity in pictures["identities"]]
    assert places == [0, 1, 3, 4, 6, 7, 9, 10]  # of six cats and six dogs


def test_it_is_written_where_the_page_reads_it(found, tmp_path):
    folder = write(*found, tmp_path / "evidence")
    assert folder == tmp_path / "evidence" / "a--b"
    assert json.loads((folder / "comparison.json").read_text()) == json.loads(json.dumps(found[0], allow_nan=False))
    with np.load(folder / "pictures.npz", allow_pickle=False) as stored:
        assert stored["identities"].tolist() == found[1]["identities"].tolist()


def test_a_comparison_of_more_pictures_is_not_replaced_unasked(found, marked, tmp_path):
    keep(tmp_path, "a", "b", 1, None)
    write(*found, tmp_path)
    keep(tmp_path, "a", "b", 12, marked)
    with pytest.raises(CompareError, match=r"measured on 12 pictures, not 11 \(--count\)\. .* add --force"):
        keep(tmp_path, "a", "b", 11, marked)
    with pytest.raises(CompareError, match=r"on 5 pictures with marked heads \(--heads-dir\)"):
        keep(tmp_path, "a", "b", 12, None)


def test_a_mean_difference_is_of_depths_where_both_sides_are_defined():
    left, right = np.array([[1.0, 5.0]] * 3), np.array([[2.0, np.nan]] * 3)
    table = _differing(left, right)
    assert table["all"]["difference"]["mean"] == -1
    assert (table["all"]["left"]["mean"], table["all"]["right"]["mean"]) == (3, 2)


def test_other_classes_are_refused(pair, dataset, tmp_path):
    with pytest.raises(CompareError, match="different classes"):
        measure(pair[0], checkpoint("b", 2, ("Cow", "Dog")), dataset, "validation", 4, tmp_path)


@pytest.mark.parametrize("broken", ["[]", "{}", '[{"name": 1}]', "nothing"])
def test_a_folder_of_another_form_is_refused(broken, tmp_path):
    (tmp_path / "heads.json").write_text(broken)
    with pytest.raises(DataError, match=r"heads\.json"):
        pets.load(tmp_path)


def test_how_often_luck_alone_lies_below_the_band():
    # ten pictures, five stops: the first picture is lowest at two stops, each of the others at none or one
    ranks = np.full((10, 5), 0.5) + np.arange(10)[:, None] / 100
    ranks[0], ranks[1, 0], ranks[2, 1] = 0.9, 0.1, 0.1
    ranks[0, 2:4] = 0.1
    ranks[3, 4] = 0.1
    # shares of stops below: 0.4, 0.2, 0.2, 0.2 and six times none; the 90th percentile of ten lies 0.1 above the ninth
    assert _below(ranks) == pytest.approx(0.2 + 0.1 * 0.2)
    assert _below(np.full((3, 2), np.nan)) is None


# -- intervals -------------------------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_the_one_of_the_central_limit():
    values = np.random.default_rng(1).normal(2, 3, 900)  # 3 / sqrt(900) = 0.1
    figure = _figure(values, _draws(900, 2000))
    assert figure["mean"] == pytest.approx(values.mean(), abs=1e-6)
    assert figure["low"] == pytest.approx(values.mean() - 0.196, abs=0.02)
    assert figure["high"] == pytest.approx(values.mean() + 0.196, abs=0.02)


def test_undefined_pictures_are_left_out():
    values = np.array([np.nan, 1, 3, np.nan])
    figure = _figure(values, _draws(4, 500))
    assert (figure["mean"], figure["n"]) == (2, 2)
    assert (figure["low"], figure["high"]) == (1, 3)
    assert _figure(np.full(4, np.nan), _draws(4, 500)) is None


def test_the_paired_test_is_wilcoxon_s():
    differences = np.array([1.0, 2, 3, 4, 5, 6, -7, np.nan])
    # of the 2^7 signs: those whose smaller rank sum is at most 7 are 38, by counting
    assert signed_rank(differences) == pytest.approx(stats.wilcoxon(differences[:7], method="exact").pvalue, rel=0.01)
    assert signed_rank(np.zeros(5)) == 1


# -- claims ----------------------------------------------------------------------------------------------------------

DIFFER = next(claim for claim in CLAIMS if claim.id == "adam-distinct")  # margin 0.02, two pairs of seeds
SAME = next(claim for claim in CLAIMS if claim.id == "features-alike")  # 1 - CKA, margin 0.05


def lay(evidence, left, right, low, high, cka_low=0.9, cka_high=0.9):
    figure = {"mean": (low + high) / 2, "low": low, "high": high, "n": 10, "p": 1}
    alike = {"mean": cka_low, "low": cka_low, "high": cka_high, "n": 10}
    row = {"left": figure, "right": figure, "difference": figure}
    found = {
        **{side: {"id": id, "title": id} for side, id in (("left", left), ("right", right))},
        "measures": {name: {"stops": [row], "all": row} for name in MEASURES},
        "cka": {"stops": [alike], "all": alike},
    }
    folder = evidence / f"{left}--{right}"
    folder.mkdir(parents=True)
    (folder / "comparison.json").write_text(json.dumps(found))


@pytest.mark.parametrize(
    ("low", "high", "luck", "sign", "verdict"),
    [
        (0.03, 0.05, 0.01, 1, HOLDS),  # above the margin
        (0.01, 0.05, 0.01, 1, OPEN),
        (-0.05, 0.01, 0.01, 1, FAILS),
        (0.03, 0.05, 0.04, 1, OPEN),  # luck reaches into it
        (0.03, 0.05, 0.06, 1, FAILS),  # no more than luck
        (0.07, 0.09, 0.06, 1, HOLDS),
        (-0.05, -0.03, 0.01, 1, FAILS),  # the other way round
        (-0.05, -0.03, 0.01, -1, HOLDS),
    ],
)
def test_a_difference_holds_beyond_margin_and_luck(low, high, luck, sign, verdict, tmp_path):
    claim = replace(DIFFER, sign=sign)
    lay(tmp_path, claim.left, claim.right, low, high)
    lay(tmp_path, *claim.seeds[0], -luck, 0.0)
    lay(tmp_path, *claim.seeds[1], -0.005, 0.005)
    found = judge(claim, tmp_path)
    assert found["verdict"] == verdict
    assert found["threshold"] == pytest.approx(max(0.02, luck))


@pytest.mark.parametrize(
    ("alike", "seeds", "verdict"),
    [
        ((0.96, 0.98), 0.99, HOLDS),
        ((0.80, 0.85), 0.99, FAILS),
        ((0.80, 0.85), 0.75, HOLDS),  # two seeds are no more alike
        ((0.94, 0.96), 0.99, OPEN),
    ],
)
def test_a_claim_of_no_difference_holds_within_margin_and_luck(alike, seeds, verdict, tmp_path):
    lay(tmp_path, SAME.left, SAME.right, 0, 0, *alike)
    for pair in SAME.seeds:
        lay(tmp_path, *pair, 0, 0, seeds, seeds)
    assert judge(SAME, tmp_path)["verdict"] == verdict


def test_without_the_seeds_or_the_comparison_nothing_can_be_told(tmp_path):
    assert judge(DIFFER, tmp_path)["verdict"] == OPEN
    lay(tmp_path, DIFFER.left, DIFFER.right, 0.5, 0.6)
    lay(tmp_path, *DIFFER.seeds[0], 0, 0)
    assert judge(DIFFER, tmp_path)["verdict"] == OPEN
    lay(tmp_path, *DIFFER.seeds[1], 0, 0)
    assert judge(DIFFER, tmp_path)["verdict"] == HOLDS


def test_every_claim_rests_on_a_figure_that_is_measured(found, tmp_path):
    found, _ = found
    for claim in CLAIMS:
        assert claims.figure(found, claim) is not None, claim.id
        assert claim.side in ("left", "right", "difference")
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    assert [one["verdict"] for one in claims.write(tmp_path)] == [OPEN] * len(CLAIMS)
    assert json.loads((tmp_path / "claims.json").read_text())[0]["sentence"] == CLAIMS[0].sentence


def test_a_comparison_is_held_against_an_earlier_one(found):
    found, _ = found
    count, apart, where = reproduced(found, found)
    assert (count > 100, apart, where) == (True, 0.0, "")
    other = json.loads(json.dumps(found))
    other["measures"]["contrast"]["all"]["left"]["mean"] += 0.25
    assert reproduced(found, other)[1:] == (pytest.approx(0.25), "/measures/contrast/all/left/mean")
    other["left"]["model"] = "another"
    assert reproduced(found, other)[1:] == (float("inf"), "/left/model")
