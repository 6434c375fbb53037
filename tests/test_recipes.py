"""Recipes: what they say, what overriding them refuses, and that the pairs differ in one thing."""

import dataclasses

import pytest

from training.models.efficientnet import SCALED
from training.recipe import Recipe, RecipeError, all_recipes, find, keys, override


def flat(recipe: Recipe) -> dict:
    values = {}
    for key in keys(recipe):
        value = recipe
        for part in key.split("."):
            value = getattr(value, part)
        values[key] = value
    return values


def differences(left: str, right: str) -> set[str]:
    a, b = flat(find(left)), flat(find(right))
    return {key for key in a if a[key] != b[key]} - {"id", "title", "description", "search.rates", "search.steps"}


def test_sgd_and_adam_differ_in_the_optimizer_and_its_rate_alone():
    assert differences("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam") == {"optimizer.name", "optimizer.learning_rate"}


@pytest.mark.parametrize("recipe_id", ["cats-dogs-effnet-sgd", "cats-dogs-effnet-adam", "cats-dogs-vgg16-low"])
def test_other_seeds_differ_in_the_seed_alone(recipe_id):
    for seed in (2, 3, 4, 5):
        assert differences(recipe_id, f"{recipe_id}-seed{seed}") == {"seed"}
        assert find(f"{recipe_id}-seed{seed}").seed == seed


def test_the_low_vgg16_is_the_high_one_s_network_and_input():
    high, low = find("cats-dogs-vgg16-high"), find("cats-dogs-vgg16-low")
    assert (low.model, low.size) == (high.model, high.size)


ORIGINAL = {  # what all four have in common
    "schedule.name": "constant",
    "schedule.warmup": 0.0,
    "optimizer.learning_rate": 0.001,
    "optimizer.momentum": 0.9,
    "optimizer.nesterov": False,
    "optimizer.decay": 0.0,
    "batch": 20,
    "data.validate": 400,
    "augment.rotation": 40,
    "augment.shear": 0.2,
    "augment.zoom": 0.2,
    "augment.flip": True,
    "augment.crop": 1.0,
    "augment.brightness": 0.0,
    "augment.mixup": 0.0,
    "label_smoothing": 0.0,
    "average": 0.0,
    "model.weights": "",
    "model.preprocessing": "unit",
}


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("effnet-sgd", ("efficientnet-b0", "sgd", ((224, 250),), 90, 0, "true")),
        ("effnet-adam", ("efficientnet-b0", "adam", ((224, 250),), 90, 0, "true")),
        ("vgg16-high", ("vgg16", "sgd", ((224, 250),), 80, 0, "true")),
        ("vgg16-low", ("vgg16", "sgd", ((224, 1),), 80, 3, "swapped")),
    ],
)
def test_original_recipes_keep_the_original_settings(variant, expected):
    settings = flat(find(f"original-cats-dogs-{variant}"))
    assert {key: settings[key] for key in ORIGINAL} == ORIGINAL
    names = ("model.name", "optimizer.name", "stages", "steps_per_epoch", "data.per_class", "data.labels")
    assert tuple(settings[name] for name in names) == expected


@pytest.mark.parametrize("recipe", all_recipes().values(), ids=lambda recipe: recipe.id)
def test_a_searched_rate_is_the_one_that_the_search_found(recipe):
    if recipe.search.rates:
        assert recipe.optimizer.learning_rate in recipe.search.rates
    if trials := recipe.trials():
        searched = find(recipe.id.partition("-seed")[0])
        assert tuple(trial["learning_rate"] for trial in trials["trials"]) == searched.search.rates
        assert recipe.optimizer.learning_rate == trials["best"]
        assert trials["best"] == min(trials["trials"], key=lambda trial: trial["log_loss"])["learning_rate"]


def test_scaled_networks_are_trained_alike():
    for name in SCALED:
        allowed = {"id", "title", "description", "model.name", "stages", "search.rates", "search.steps"}
        assert differences("scaling-baseline", f"scaling-{name}") <= allowed
        recipe = find(f"scaling-{name}")
        assert recipe.stages == ((SCALED[name].size, find("scaling-baseline").epochs),)
        assert recipe.epochs >= 15


def test_override_replaces_nested_settings_and_leaves_the_original_alone():
    recipe = find("cats-dogs-effnet-adam")
    other = override(
        recipe,
        ["optimizer.learning_rate=1", "batch=8", "stages=((96, 2),)", "optimizer.name=sgd", "augment.flip=False"],
    )
    assert other.optimizer.learning_rate == 1.0
    assert isinstance(other.optimizer.learning_rate, float)
    assert (other.batch, other.size, other.epochs, other.optimizer.name) == (8, 96, 2, "sgd")
    assert other.augment.flip is False
    assert recipe == find("cats-dogs-effnet-adam")
    assert {field.name for field in dataclasses.fields(other)} == {field.name for field in dataclasses.fields(recipe)}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("optimiser.learning_rate=1", "Did you mean optimizer?"),
        ("optimizer.learning_rat=1", "Did you mean learning_rate?"),
        ("optimizer=adam", "optimizer.learning_rate"),
        ("batch.size=3", "There is no setting 'batch.size'"),
        ("batch=many", "batch cannot be 'many'"),
        ("batch=2.5", "an? int"),
        ("augment.flip=1", "a bool"),
        ("batch", "key=value"),
        ("batch=0", "batch must be 1 or more"),
        ("optimizer.learning_rate=0", "above 0"),
        ("precision=bfloat", "float32 or mixed_bfloat16 or auto"),
        ("stages=()", "pairs of pixels and epochs"),
        ("stages=(64, 24)", "pairs of pixels and epochs"),
        ("average=1", "below 1"),
    ],
)
def test_override_refuses_what_it_does_not_know(assignment, message):
    with pytest.raises(RecipeError, match=message.replace("?", r"\?").replace(r"an\?", "an?")):
        override(find("cats-dogs-effnet-adam"), [assignment])


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match="cats-dogs-effnet-adam"):
        find("cats-dogs-efnet-adam")
