"""Recipes and claims, judged by evidence of the shipped form: what is planted is found, what is not is not."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from simulated import DEPTHS, comparison, figure, lay, measures, recipe

from study import recipes, statistics
from study.claims import (
    CLAIMS,
    FAILS,
    HIGH,
    HOLDS,
    LOW,
    NOTHING,
    OPEN,
    TOO_FEW,
    VERDICTS,
    history_figures,
    judge,
    write,
)
from study.measure import MEASURES
from study.store import NOT_THE_RECIPE, Store, outdated, same_recipe
from study.texts.en import TEXTS
from training.recipe import defaults

CLAIM = {claim.id: claim for claim in CLAIMS}
TINY = {"adam": 5, "sgd": 5}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda file: None)


def significant(table):
    return [place for place, p in enumerate(table["p"]) if p <= recipes.SIGNIFICANT]


# --- recipes ----------------------------------------------------------------------------------------------------------


def test_a_planted_difference_is_marked_where_it_is_and_its_absence_is_not(store):
    lay(store, TINY, planted={"contrast": {3: 0.1}})
    tested = store.recipes("adam", "sgd")
    assert tested["enough"]
    assert [len(tested["left"]), len(tested["right"])] == [5, 5]
    marked = {name: significant(table) for name, table in tested["measures"].items() if significant(table)}
    assert marked.pop("contrast") == [3]
    assert len(marked) <= 1  # of seven measures, each of which may be marked one time in twenty
    assert tested["measures"]["contrast"]["statistic"][3] > 3
    assert tested["missing"] == []


def test_of_evidence_without_any_difference_hardly_a_measure_is_marked(tmp_path):
    marked = 0
    for seed in range(3):
        lay(store := Store(tmp_path / str(seed)), TINY, seed=seed)
        tested = store.recipes("adam", "sgd")
        tables = [*tested["measures"].values(), tested["agreement"]["rank"]]
        marked += sum(bool(significant(table)) for table in tables)
    assert marked <= 3  # of 27, one in twenty: more are marked in 5 % of such evidence


def test_trainings_that_agree_less_between_the_recipes_are_marked(store):
    lay(store, TINY, gap=0.1)
    tested = store.recipes("adam", "sgd")
    for table in (tested["cka"], *tested["agreement"].values()):
        assert significant(table) == list(range(len(DEPTHS)))
        assert max(table["statistic"]) == pytest.approx(-0.1, abs=0.01)


@pytest.mark.parametrize("numbers", [{"adam": 2, "sgd": 2}, {"adam": 3, "sgd": 6}])
def test_however_large_a_difference_two_trainings_each_are_too_few(store, numbers):
    lay(store, numbers, planted={"contrast": dict.fromkeys(range(6), 5.0)}, gap=0.4)
    tested = store.recipes("adam", "sgd")
    assert (tested["enough"], tested["measures"], tested["cka"], tested["agreement"]) == (False, None, None, None)
    assert [len(tested["left"]), len(tested["right"])] == list(numbers.values())


def test_trainings_of_one_recipe_are_not_judged(store):
    lay(store, TINY)
    assert recipes.judge(store, "adam", "adam-seed2") is None
    store.write_recipes("adam", "adam-seed2", None)
    assert not (store.pair("adam", "adam-seed2") / "recipes.json").exists()


def test_a_pair_that_is_not_compared_leaves_agreement_unjudged_and_is_named(store):
    lay(store, TINY)
    (store.pair("adam-seed2", "sgd-seed4") / "comparison.json").unlink()
    tested = recipes.judge(store, "adam", "sgd")
    assert tested["missing"] == [["adam-seed2", "sgd-seed4"]]
    assert tested["cka"] is tested["agreement"] is None
    assert tested["measures"]["dead"]


def test_a_pair_stands_for_itself_whichever_side_is_called_left(store):
    lay(store, TINY, gap=0.03)
    tested = recipes.judge(store, "adam", "sgd")
    pair = store.comparison("adam-seed3", "sgd-seed2")
    (store.pair("adam-seed3", "sgd-seed2") / "comparison.json").unlink()
    store.write_pair(pair | {"left": pair["right"], "right": pair["left"]}, {"identities": np.zeros(1)})
    assert recipes.judge(store, "adam", "sgd") == tested


def test_a_pair_compared_before_one_of_it_was_trained_anew_does_not_count(store):
    lay(store, TINY)
    store.write_model(store.measures("sgd-seed2") | {"model": "another"}, {"labels": np.zeros(1)})
    assert len(recipes.judge(store, "adam", "sgd")["missing"]) == 9


def test_a_training_measured_on_other_pictures_does_not_count(store):
    lay(store, TINY)
    store.write_model(store.measures("sgd-seed2") | {"pictures": "others"}, {"labels": np.zeros(1)})
    assert len(recipes.judge(store, "adam", "sgd")["right"]) == 4


def test_recipes_are_one_but_for_seed_id_title_description_and_search():
    adam = recipe("adam") | {"title": "A", "description": "a", "search": {"rates": [1]}}
    assert same_recipe(adam, adam | {"seed": 9, "id": "x", "title": "B", "description": "b", "search": {"rates": []}})
    assert not same_recipe(adam, adam | {"batch": 64})
    assert not same_recipe(adam, adam | {"optimizer": {"name": "sgd"}})
    assert not same_recipe(adam, adam | {"optimizer": {"name": "adam", "newer": 0.1}})  # than the first one's card
    assert not same_recipe(adam, adam | {"newer": 0.1})
    assert not same_recipe(adam, None)
    assert not same_recipe({}, {})
    assert not same_recipe({"seed": 1}, {"seed": 2})
    assert same_recipe({"data": {}}, {"data": {}, "seed": 2})


def test_a_stop_or_measure_that_a_training_does_not_know_is_undefined(store):
    lay(store, TINY)
    other = store.measures("sgd-seed2")
    other["layers"][3]["address"] = "another"
    del other["measures"]["contrast"]
    store.write_model(other, {"labels": np.zeros(1)})
    judged = recipes.judge(store, "adam", "sgd")
    assert [place for place, p in enumerate(judged["measures"]["dead"]["p"]) if p is None] == [3]
    assert set(judged["measures"]["contrast"]["p"]) == {None}


def test_trainings_and_pairs_stand_in_the_order_of_their_seeds(store):
    lay(store, {"adam": 11})
    seeds = ["adam", *(f"adam-seed{k}" for k in range(2, 12))]
    assert store.models() == store.trainings("adam") == seeds
    assert store.pairs() == list(itertools.combinations(seeds, 2))
    assert recipes.trainings(store, "adam", store.measures("adam")["pictures"]) == seeds[:10]  # not seeds 10 and 11


def test_of_more_trainings_than_can_be_relabelled_the_first_are_judged_and_the_others_named(store, monkeypatch):
    assert math.comb(2 * statistics.MOST_TRAININGS, statistics.MOST_TRAININGS) <= statistics.MOST_LABELLINGS
    monkeypatch.setattr(statistics, "MOST_TRAININGS", 4)
    monkeypatch.setattr(statistics, "MOST_LABELLINGS", math.comb(8, 4))
    lay(store, {"sgd": 6, "adam": 5}, names=SHIPPED)
    pair = tuple(SHIPPED.values())
    judged = recipes.judge(store, *pair)
    assert [len(judged[side]) for side in ("left", "right")] == [4, 4]
    assert judged["left"] == [pair[0], *(f"{pair[0]}-seed{k}" for k in (2, 3, 4))]
    assert judged["left_out"] == {"left": [f"{pair[0]}-seed{k}" for k in (5, 6)], "right": [f"{pair[1]}-seed5"]}
    assert judged["measures"]["dead"]
    for claim in write(store):
        if claim["unit"] == "recipe":
            assert claim["counts"] == {"left": 4, "right": 4}


def test_a_setting_that_a_card_does_not_know_had_its_default():
    settings = defaults()
    parts = [(name,) for name in settings] + [
        (name, inner) for name, part in settings.items() if isinstance(part, dict) for inner in part
    ]
    for name, *inner in parts:
        older = json.loads(json.dumps(settings))
        del (older[name] if inner else older)[[name, *inner][-1]]
        assert same_recipe(older, settings)
        assert same_recipe(settings, older)
        newer = json.loads(json.dumps(settings))
        (newer[name] if inner else newer)[[name, *inner][-1]] = "something else"
        assert same_recipe(older, newer) == (name in NOT_THE_RECIPE)
        assert same_recipe(newer, older) == (name in NOT_THE_RECIPE)


def test_a_comparison_is_outdated_by_the_digest_of_a_checkpoint_that_is_here():
    pair = {side: {"id": side, "model": "1"} for side in ("left", "right")}
    assert outdated(pair, {"left": "1", "right": "2"}) == ["right"]
    assert outdated(pair, {}) == outdated(None, {"left": "2"}) == []


# --- claims about files -----------------------------------------------------------------------------------------------


def files(store, left, right, claim="low-smooth", binary=None):
    """A comparison of the two VGG16s whose claim's figure has the interval from `left` to `right`."""
    claim = CLAIM[claim]
    measured = {model_id: measures(model_id, {}, recipe(model_id)) for model_id in (HIGH, LOW)}
    pair = comparison(*measured.values())
    middle = {"mean": (left + right) / 2, "low": left, "high": right, "n": 9}
    pair["measures"][claim.measure][claim.place]["difference"] = middle
    for side in measured.values():
        store.write_model(side, {"marked_labels": np.zeros(1), "marked_predicted": np.zeros(1)})
    store.write_pair(pair, {"identities": np.zeros(1)})


@pytest.mark.parametrize(
    ("low", "high", "sign", "same", "verdict"),
    [
        (0.03, 0.05, 1, False, HOLDS),  # above the margin of 0.01
        (0.005, 0.05, 1, False, OPEN),
        (-0.05, 0.009, 1, False, FAILS),
        (-0.05, -0.03, 1, False, FAILS),  # the other way round
        (-0.05, -0.03, -1, False, HOLDS),
        (0.03, 0.05, 1, True, FAILS),
        (0.005, 0.05, 1, True, OPEN),
        (-0.05, 0.009, 1, True, HOLDS),
    ],
)
def test_a_claim_about_files_is_judged_by_its_interval_over_pictures(store, low, high, sign, same, verdict):
    files(store, low, high)
    judged = judge(replace(CLAIM["low-smooth"], sign=sign, same=same), store)
    assert (judged["verdict"], judged["unit"]) == (verdict, "file")
    assert [judged["figure"][end] for end in ("low", "high")] == sorted(sign * end for end in (low, high))


def test_other_trainings_of_a_file_s_recipe_are_told_and_do_not_judge(store):
    files(store, 0.03, 0.05)
    for seed in (2, 3):
        store.write_model(measures(f"{LOW}-seed{seed}", {"roughness": 0.9}, recipe(LOW, seed)), {"labels": np.zeros(1)})
    judged = judge(CLAIM["low-smooth"], store)
    assert judged["verdict"] == HOLDS
    assert judged["trainings"]["right"] == {LOW: 0.3, f"{LOW}-seed2": 0.9, f"{LOW}-seed3": 0.9}
    assert judged["trainings"]["left"] == {HIGH: 0.3}


def test_where_no_side_has_an_event_there_is_nothing_to_tell(store):
    claim = replace(CLAIM["high-face-more"], measure="astray")
    for astray, verdict in (([0.3] * 5 + [0.0], NOTHING), ([0.0] * 5 + [0.1], OPEN)):
        for model_id, values in ((HIGH, astray), (LOW, [0.0] * 6)):
            store.write_model(measures(model_id, {"astray": values}, recipe(model_id)), {"labels": np.zeros(1)})
        store.write_pair(comparison(*map(store.measures, (HIGH, LOW))), {"identities": np.zeros(1)})
        judged = judge(replace(claim, margin=0.1), store)
        assert judged["verdict"] == verdict
        assert (judged["figure"] is None) == (verdict == NOTHING)


def heads(store, values):
    """SGD and Adam with a head_lift of these values, pictures x layers."""
    drawn = statistics.draws(len(values))
    for model_id in ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"):
        whole = measures(model_id, {}, recipe(model_id))
        whole["measures"]["head_lift"]["layers"] = [statistics.bootstrap(column, drawn) for column in values.T]
        store.write_model(whole, {"head_lift": values.astype(np.float32)})


@pytest.mark.parametrize(("least", "verdict"), [(0.2, HOLDS), (0.055, OPEN), (0.02, FAILS)])
def test_a_claim_about_every_layer_rests_on_the_layer_where_it_holds_least(store, least, verdict):
    noise = np.random.default_rng(0).normal(0, 0.1, (200, 6))
    heads(store, np.array([0.4, least, 0.5, 0.6, 0.3, 0.3]) + noise - noise.mean(0))
    judged = judge(CLAIM["face-adam"], store)
    assert judged["verdict"] == verdict
    assert judged["figure"]["mean"] == pytest.approx(least, abs=1e-5)


@pytest.mark.slow
def test_a_claim_about_every_layer_that_just_holds_seldom_fails(tmp_path):
    """Of 20 layers that all lie at the margin the lowest interval lies below it in two studies of five."""
    verdicts, below = [], 0
    for seed in range(100):
        store = Store(tmp_path / str(seed))
        heads(store, np.random.default_rng(seed).normal(0.05, 0.1, (60, 20)))
        judged = judge(CLAIM["face-sgd"], store)
        verdicts.append(judged["verdict"])
        below += judged["figure"]["high"] < 0.05
    assert below > 25
    assert verdicts.count(FAILS) <= 10  # of 100 at 2.5 %: more in 3 of 100,000 series
    assert HOLDS not in verdicts


def test_without_single_pictures_a_claim_about_every_layer_does_not_fail(store):
    heads(store, np.full((30, 6), 0.01))
    assert judge(CLAIM["face-sgd"], store)["verdict"] == FAILS
    (store.folder / "models" / "cats-dogs-effnet-sgd" / "pictures.npz").unlink()
    assert judge(CLAIM["face-sgd"], store)["verdict"] == OPEN


def test_where_the_model_errs_is_held_against_where_it_is_right(store):
    files(store, 0, 0)
    rng = np.random.default_rng(0)
    wrong = np.arange(60) < 8
    share = np.stack([rng.random(60), np.where(wrong, 0.3, 0.7) + rng.normal(0, 0.05, 60)], axis=1)
    arrays = {"marked_labels": np.zeros(60), "marked_predicted": wrong.astype(int), "animal_share": share}
    store.write_model(store.measures(HIGH), arrays)
    judged = judge(CLAIM["high-elsewhere"], store)
    assert judged["verdict"] == HOLDS
    assert judged["figure"]["mean"] == pytest.approx(0.4, abs=0.05)
    assert judged["figure"]["n"] == 8
    deeper = judge(replace(CLAIM["high-elsewhere"], place="all"), store)["figure"]
    assert deeper["mean"] == pytest.approx(share.mean(1)[~wrong].mean() - share.mean(1)[wrong].mean(), abs=1e-5)
    wrong = np.arange(60) < 4
    store.write_model(store.measures(HIGH), arrays | {"marked_predicted": wrong.astype(int)})
    judged = judge(CLAIM["high-elsewhere"], store)
    assert (judged["verdict"], judged["figure"]) == (TOO_FEW, None)


# --- claims about recipes ---------------------------------------------------------------------------------------------

SHIPPED = {"sgd": "cats-dogs-effnet-sgd", "adam": "cats-dogs-effnet-adam"}


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(0.1, HOLDS), (0.0, FAILS), (-0.1, FAILS), (0.02, OPEN)],  # the margin is 0.02
)
def test_a_claim_about_a_recipe_is_judged_by_trainings(store, shift, verdict):
    lay(store, {"sgd": 5, "adam": 5}, {"focus_entropy": dict.fromkeys(range(6), shift)}, names=SHIPPED)
    judged = judge(CLAIM["adam-distinct"], store)
    assert (judged["verdict"], judged["unit"]) == (verdict, "recipe")
    assert judged["figure"]["n"] == 5
    assert len(judged["trainings"]["left"]) == len(judged["trainings"]["right"]) == 5


def test_trainings_that_differ_among_themselves_do_not_let_a_claim_hold(store):
    """As much luck as difference: over pictures the first two trainings would differ beyond doubt."""
    rng = np.random.default_rng(1)
    lay(store, {"sgd": 5, "adam": 5}, {"focus_entropy": dict.fromkeys(range(6), 0.05)}, names=SHIPPED)
    for model_id in store.models():
        old = store.measures(model_id)
        old["measures"]["focus_entropy"]["all"]["mean"] += rng.normal(0, 0.1)
        store.write_model(old, {"labels": np.zeros(1)})
    assert judge(CLAIM["adam-distinct"], store)["verdict"] == OPEN


@pytest.mark.parametrize(("gap", "verdict"), [(0.0, HOLDS), (0.2, FAILS)])
def test_likeness_between_recipes_is_held_against_that_within_one(store, gap, verdict):
    lay(store, {"sgd": 5, "adam": 5}, gap=gap, names=SHIPPED)
    judged = judge(CLAIM["features-alike"], store)
    assert judged["verdict"] == verdict
    assert judged["figure"]["mean"] == pytest.approx(gap, abs=0.01)
    assert (len(judged["trainings"]["between"]), len(judged["trainings"]["within"])) == (25, 20)


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.unit == "recipe"], ids=lambda claim: claim.id)
def test_two_trainings_each_are_too_few_for_any_claim_about_a_recipe(store, claim):
    lay(store, {"sgd": 2, "adam": 2}, {"focus_entropy": {5: 9.0}}, gap=0.4, names=SHIPPED)
    judged = judge(claim, store)
    assert (judged["verdict"], judged["figure"]) == (TOO_FEW, None)
    assert judged["trainings"]


def test_the_luck_of_one_pair_of_seeds_does_not_hide_that_of_another(store):
    """Of several pairs of seeds the last one counted: an interval over all trainings has no such order."""
    lay(store, {"sgd": 5, "adam": 5}, names=SHIPPED)
    for k, model_id in enumerate(sorted(store.models())):
        old = store.measures(model_id)
        old["measures"]["focus_entropy"]["all"]["mean"] = (
            0.3 + (0.05 if "sgd" in model_id else 0) + (0.2 if k == 1 else 0)
        )
        store.write_model(old, {"labels": np.zeros(1)})
    figures = judge(CLAIM["adam-distinct"], store)["figure"]
    assert figures["high"] - figures["low"] > 0.05
    gone = store.folder / "models" / f"{SHIPPED['sgd']}-seed2"
    (gone / "measures.json").unlink()
    (gone.parent / f"{SHIPPED['sgd']}-seed3" / "measures.json").unlink()
    assert judge(CLAIM["adam-distinct"], store)["verdict"] == TOO_FEW  # what is not measured is not passed over


def test_counts_are_of_the_trainings_that_are_judged(store):
    lay(store, {"sgd": 5, "adam": 5}, names=SHIPPED)
    other = store.measures(f"{SHIPPED['sgd']}-seed2")
    store.write_model(other | {"pictures": "others"}, {"labels": np.zeros(1)})
    undefined = store.measures(f"{SHIPPED['adam']}-seed2")
    undefined["measures"]["focus_entropy"]["all"] = None
    store.write_model(undefined, {"labels": np.zeros(1)})
    assert judge(CLAIM["adam-distinct"], store)["counts"] == {"left": 4, "right": 4}
    assert judge(CLAIM["features-alike"], store)["counts"] == {"left": 4, "right": 5}
    assert judge(CLAIM["face-sgd"], store)["counts"] == {"left": 4, "right": 5}


def test_area_and_end_of_a_training_s_history():
    history = [
        {"epoch": e, "size": s, "accuracy": a} for e, s, a in ((1, 160, 0.8), (2, 160, 0.9), (3, 160, 0.9), (4, 192, 1))
    ]
    assert history_figures(history) == {"area": pytest.approx((0.85 + 0.9) / 2), "end": 1}
    assert history_figures(history[:1]) == {"area": None, "end": 0.8}
    assert history_figures([]) == {"area": None, "end": None}


# --- all claims -------------------------------------------------------------------------------------------------------


def test_without_evidence_nothing_can_be_told(store):
    assert [judged["verdict"] for judged in write(store)] == [OPEN] * len(CLAIMS)
    assert [judged["id"] for judged in store.claims()] == [claim.id for claim in CLAIMS]


def test_every_claim_and_measure_has_its_words_and_every_word_its_claim():
    assert set(TEXTS["evidence_claims"]) == {claim.id for claim in CLAIMS}
    assert len(CLAIM) == len(CLAIMS)
    assert set(TEXTS["evidence_measures"]) == set(MEASURES)
    assert set(TEXTS["evidence_verdicts"]) == set(VERDICTS)


def test_judged_claims_can_be_written_and_read(store):
    lay(store, {"sgd": 5, "adam": 5}, names=SHIPPED)
    assert json.loads(json.dumps(write(store), allow_nan=False)) == store.claims()
    assert figure(0.1)["mean"] == 0.1
