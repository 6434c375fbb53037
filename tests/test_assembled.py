"""Ensembles as they are put together: the temperature, what members add, and the card against the files."""

import csv
import doctest
import json
from dataclasses import replace

import keras
import numpy as np
import pytest

import training.ensemble
from explain.checkpoints import load
from training import data
from training.ensemble import EnsembleError, assemble, contributions, cooled, fit_temperature
from training.evaluate import answers, check, measure, roc, write_evaluation
from training.export import export, ship
from training.recipe import EnsembleRecipe, Model, Optimizer, Recipe, all_ensembles, all_recipes

PAIR = EnsembleRecipe("pair", "Pair", "Two nets.", ("first", "second"))


def test_examples():
    assert doctest.testmod(training.ensemble).failed == 0


def test_the_temperature_undoes_what_was_done_to_true_probabilities():
    """Labels drawn from p; p sharpened by 1/T and fitted gives T back."""
    rng = np.random.default_rng(0)
    true = rng.dirichlet(np.full(5, 0.7), 20_000)
    labels = (true.cumsum(1) < rng.uniform(size=(len(true), 1))).sum(1)
    for temperature in (0.5, 1.0, 2.5):
        assert fit_temperature(labels, cooled(true, 1 / temperature)) == pytest.approx(temperature, rel=0.03)


def test_a_temperature_keeps_the_order_and_sums_to_one():
    probabilities = np.random.default_rng(1).dirichlet(np.ones(7), 50)
    for temperature in (0.3, 1, 4):
        after = cooled(probabilities, temperature)
        np.testing.assert_allclose(after.sum(1), 1)
        np.testing.assert_array_equal(after.argsort(1), probabilities.argsort(1))
    np.testing.assert_allclose(cooled(probabilities, 1), probabilities)


def test_what_a_member_adds_is_what_is_lost_without_it():
    labels = np.array([0, 1, 0, 1])
    sure = np.eye(2)[labels]
    wrong = 0.4 * sure + 0.6 * (1 - sure)
    rows = contributions(["right", "wrong"], labels, np.stack([sure, wrong]))
    assert rows == [
        {"member": "right", "accuracy": 1.0, "without": 0.0, "together": 1.0},
        {"member": "wrong", "accuracy": 0.0, "without": 1.0, "together": 1.0},
    ]


def test_every_ensemble_names_recipes():
    recipes = all_recipes()
    for ensemble in all_ensembles().values():
        assert set(ensemble.members) <= recipes.keys()
        assert ensemble.id not in recipes
        assert len({recipes[name].data.name for name in ensemble.members}) == 1


def test_roc_of_many_classes_has_its_means_area():
    rng = np.random.default_rng(2)
    labels = rng.integers(6, size=900)
    probabilities = rng.dirichlet(np.ones(6), 900) + np.eye(6)[labels] * rng.uniform(0, 0.5, (900, 1))
    probabilities /= probabilities.sum(1, keepdims=True)
    rows = roc(labels, probabilities, tuple("abcdef"))
    assert {row["class"] for row in rows} == {"micro", "macro"}
    points = np.array([(r["false_positive"], r["true_positive"]) for r in rows if r["class"] == "macro"])
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(measure(labels, probabilities).auc, abs=0.003)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """Two nets of 100 classes, shipped, and their data."""
    folder = tmp_path_factory.mktemp("pair")
    dataset = data.load("cifar-100", None, folder / "cache", handful=2)
    for seed, name in enumerate(PAIR.members):
        recipe = Recipe(name, name.title(), "A net.", Model("cnn-lenet"), Optimizer("sgd", 0.1), ((32, 1),), batch=4)
        keras.utils.set_random_seed(seed)
        weights = training.models.build(recipe.model, dataset.classes, 32).get_weights()
        run = folder / "runs" / name
        run.mkdir(parents=True)
        network = export(recipe, dataset.classes, [3 * weight for weight in weights], run / "model.keras")
        row = "epoch,accuracy,val_accuracy,log_loss,val_log_loss\n1,0,0,1,1\n"
        (run / "history.csv").write_text(row)
        about = {"seconds": 5.0, "best": None, "initial_weights": "none", "smoke": False}
        write_evaluation(run, recipe, network, dataset, about, folder / "cache")
        ship(run, folder / "weights")
    return folder, dataset


def test_an_ensemble_is_its_card_and_evaluate_gives_the_same_again(shipped):
    folder, dataset = shipped
    weights, cache = folder / "weights", folder / "cache"
    members = [load(name, weights) for name in PAIR.members]
    card = assemble(PAIR, members, dataset, weights, cache)
    together = load("pair", weights)
    assert (card.members, card.seconds) == (PAIR.members, 10.0)
    assert card.parameters == sum(member.card.parameters for member in members)
    assert together.card.temperature == card.temperature != 1
    rows = check(together, dataset, ["validation", "test"], cache)
    assert [row.agrees for row in rows] == [True, True]
    assert rows[1].now.log_loss == pytest.approx(card.test.log_loss, abs=1e-4)
    names = {path.name for path in (weights / "pair" / "evaluation").iterdir()}
    assert {"members.csv", "confusion.png", "roc.png", "reliability.png", "predictions.npz"} <= names
    with open(weights / "pair" / "evaluation" / "members.csv", newline="") as file:
        assert [row["member"] for row in csv.DictReader(file)] == list(PAIR.members)
    assert not (weights / "pair" / "model.keras").exists()
    assert json.loads((weights / "pair" / "card.json").read_text())["members"] == list(PAIR.members)


def test_members_of_other_pictures_are_refused_and_nothing_is_put_there(shipped):
    folder, dataset = shipped
    members = [load(name, folder / "weights") for name in PAIR.members]
    other = replace(dataset, items={**dataset.items, "train": dataset.items["train"][1:]})
    with pytest.raises(EnsembleError, match="first was trained on other pictures"):
        assemble(replace(PAIR, id="mixed"), members, other, folder / "weights", folder / "cache")
    assert not (folder / "weights" / "mixed").exists()


def test_flips_are_the_mean_over_a_picture_and_its_mirror(shipped):
    folder, dataset = shipped
    member = load("first", folder / "weights")
    mirrored = tuple(
        replace(item, pixels=item.pixels[:, ::-1], digest=item.digest[::-1]) for item in dataset.items["test"]
    )
    other = replace(dataset, items={**dataset.items, "test": mirrored})
    plain, turned = (answers(member, each, "test", folder / "cache") for each in (dataset, other))
    flipped = answers(member, dataset, "test", folder / "cache", flips=True)
    assert np.abs(plain - turned).max() > 1e-3
    np.testing.assert_allclose(flipped, (plain + turned) / 2, atol=1e-6)
