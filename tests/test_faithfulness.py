"""Faithfulness on nets whose best and worst order is known, by numbers worked out on paper and by what chance gives."""

from itertools import permutations
from types import SimpleNamespace

import keras
import nets
import numpy as np
import pytest
from keras import layers

from explain import fills
from explain.engine import explain
from explain.errors import ModelError
from explain.faithfulness import (
    average_drop,
    baseline_maps,
    cross_removal,
    localisation,
    removal,
    single_deletion,
)
from explain.rules import RULES, register
from explain.sanity import randomised

ZERO = np.array([0])
WEIGHTS = np.array([[4, 3], [1, 2]], np.float32)  # of the four places in the score
ONES = np.ones((1, 2, 2, 1), np.float32)
OPTIONS = {"fill": "black", "steps": 4, "score": "logit"}


def linear(weights):
    """One logit, the weighted sum of the pixels' first channel; the other is zero."""
    x = keras.Input((*weights.shape, 1))
    kernel = np.stack([weights.ravel(), np.zeros(weights.size)], 1)
    return keras.Model(x, nets.dense(kernel, activation="softmax")(layers.Flatten()(x)))


@pytest.fixture(scope="module")
def summing():
    return linear(WEIGHTS)


@pytest.fixture(scope="module")
def wide():
    """256 places of random weight."""
    return np.random.default_rng(3).uniform(0, 1, (16, 16)).astype(np.float32)


# --- Curves ---------------------------------------------------------------------------------------------------------


def test_curves_by_hand(summing):
    curves = removal(summing, ONES, WEIGHTS[np.newaxis], ZERO, **OPTIONS)
    assert curves.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(curves.most, [[10, 6, 3, 1, 0]], atol=1e-5)
    np.testing.assert_allclose(curves.least, [[10, 9, 7, 4, 0]], atol=1e-5)
    np.testing.assert_allclose([curves.deletion, curves.insertion, curves.srg], [[3.75], [6.25], [2.5]], rtol=1e-6)


def test_the_weights_themselves_are_the_best_order_and_the_worst_is_the_reverse(summing):
    gains = {}
    for order in permutations((1, 2, 3, 4)):
        gains[order] = removal(summing, ONES, np.array(order, float).reshape(1, 2, 2), ZERO, **OPTIONS).srg[0]
    best = tuple(int(weight) for weight in WEIGHTS.ravel())
    assert max(gains, key=gains.get) == best
    assert min(gains, key=gains.get) == tuple(5 - weight for weight in best)
    assert sorted(gains.values())[-2] < gains[best]


def test_probabilities_are_watched_unless_said_otherwise(summing):
    curves = removal(summing, ONES, WEIGHTS[np.newaxis], ZERO, "black", 4)
    np.testing.assert_allclose(curves.most, 1 / (1 + np.exp(-np.array([[10.0, 6, 3, 1, 0]]))), rtol=1e-5)


@pytest.mark.parametrize("fill", fills.FILLS)
def test_insertion_is_least_first_seen_from_its_end(fill):
    """Added one after the other by hand, on a net that is not linear."""
    model, picture = nets.convolutional(), np.random.default_rng(1).uniform(0, 1, (8, 8, 3)).astype(np.float32)
    heat = np.random.default_rng(2).permutation(64).reshape(8, 8).astype(np.float32)
    curves = removal(model, picture[np.newaxis], heat[np.newaxis], ZERO, fill, 4, seed=5)
    inserted = []
    for count in (0, 16, 32, 48, 64):
        absent = heat < 64 - count
        inserted.append(fills.chosen(fill)(picture, absent, np.random.default_rng(5)))
    scores = model.predict(np.stack(inserted), verbose=0)[:, 0]
    np.testing.assert_allclose(curves.least[0, ::-1], scores, rtol=1e-4)
    np.testing.assert_allclose(curves.insertion, np.mean([scores[1:], scores[:-1]]), rtol=1e-5)


def test_random_maps_gain_nothing(wide):
    """In the mean over many, and half of the score is lost with half of the picture; so is it by a map that is flat."""
    count, ones = 60, np.ones((60, 16, 16, 1), np.float32)
    random = np.random.default_rng(4).random((count, 16, 16))
    curves = removal(linear(wide), ones, random, np.zeros(count, int), **OPTIONS)
    error = curves.srg.std(ddof=1) / count**0.5
    assert abs(curves.srg.mean()) < 3 * error
    assert error < 0.02 * wide.sum()
    np.testing.assert_allclose(curves.most.mean(0), wide.sum() * (1 - curves.shares), atol=0.02 * wide.sum())
    flat = [removal(linear(wide), ones[:1], np.zeros((1, 4, 4)), ZERO, **OPTIONS, seed=seed) for seed in range(20)]
    assert abs(np.mean([single.srg for single in flat])) < 0.03 * wide.sum()
    assert len({float(single.srg[0]) for single in flat}) > 10


def test_pictures_do_not_depend_on_their_batch(summing):
    maps = np.random.default_rng(0).random((3, 2, 2))
    pictures = np.random.default_rng(1).random((3, 2, 2, 1))
    together = removal(summing, pictures, maps, np.array([0, 1, 0]), "road", 4)
    for place in range(3):
        part = slice(place, place + 1)
        alone = removal(summing, pictures[part], maps[part], np.array([place % 2]), "road", 4)
        np.testing.assert_allclose(alone.most[0], together.most[place], rtol=1e-5)
        np.testing.assert_allclose(alone.least[0], together.least[place], rtol=1e-5)


def test_whatever_answers_is_asked():
    """A checkpoint, an ensemble (of bytes alone), a function; and pictures before their preprocessing."""
    model = nets.convolutional()
    picture = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 3), np.uint8)
    heat = np.arange(4.0).reshape(1, 2, 2)
    plain = removal(model, picture, heat, ZERO, "black", 2)
    checkpoint = SimpleNamespace(card=None, model=model)

    def predict(pictures):
        assert pictures.dtype == np.uint8
        return model.predict(pictures.astype(np.float32), verbose=0)

    ensemble = SimpleNamespace(members=[], predict=predict)
    for other in (checkpoint, ensemble, lambda batch, classes: model.predict(batch, verbose=0)[:, 0]):
        np.testing.assert_allclose(removal(other, picture, heat, ZERO, "black", 2).most, plain.most, rtol=1e-4)
    log = removal(ensemble, picture, heat, ZERO, "black", 2, "logit").most
    np.testing.assert_allclose(log, np.log(plain.most), rtol=1e-3, atol=1e-5)
    scaled = removal(model, picture, heat, ZERO, "black", 2, preprocess=lambda batch: batch / 255)
    unit = removal(model, picture / 255, heat, ZERO, "black", 2)
    np.testing.assert_allclose(scaled.most, unit.most, rtol=1e-4)


def test_progress_counts_passes_and_can_end_it(summing, monkeypatch):
    monkeypatch.setattr("explain.faithfulness.CHUNK_PIXELS", 3 * 4)
    told = []
    many = np.repeat(ONES, 2, 0)
    maps, classes = np.repeat(WEIGHTS[np.newaxis], 2, 0), np.array([0, 0])
    removal(summing, many, maps, classes, **OPTIONS, progress=lambda *step: told.append(step))
    assert told == [(done, 16) for done in (3, 6, 9, 12, 15, 16)]

    def stop(done, total):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        single_deletion(summing, many, maps, classes, 2, progress=stop)


# --- Fills ----------------------------------------------------------------------------------------------------------


def solved(picture, removed):
    """ROAD's equations, all of them, by a dense solver."""
    height, width = removed.shape
    matrix, right = np.eye(removed.size), picture.reshape(removed.size, -1).astype(np.float64)
    for row in range(height):
        for column in range(width):
            place = row * width + column
            if not removed[row, column]:
                continue
            right[place] = 0
            neighbours = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
            inside = [(dy, dx) for dy, dx in neighbours if 0 <= row + dy < height and 0 <= column + dx < width]
            weights = [1 / 6 if 0 in offset else 1 / 12 for offset in inside]
            matrix[place, place] = sum(weights)
            for (dy, dx), weight in zip(inside, weights, strict=True):
                matrix[place, (row + dy) * width + column + dx] -= weight
    return np.linalg.solve(matrix, right).reshape(picture.shape)


@pytest.mark.parametrize(("size", "channels"), [((7, 5), 3), ((1, 9), 1), ((12, 12), 3), ((16, 9), 1)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_roads_fill_is_a_linear_solve(size, channels, share):
    random = np.random.default_rng(0)
    picture = random.uniform(0, 255, (*size, channels)).astype(np.float32)
    for heat in (random.random(size), np.add.outer(np.arange(size[0]), np.arange(size[1])) / sum(size)):
        removed = heat < np.quantile(heat, share)
        filled = fills.interpolated(picture, removed)
        np.testing.assert_allclose(filled, solved(picture, removed), atol=0.01 * np.ptp(picture))
        assert np.array_equal(filled[~removed], picture[~removed])


def test_roads_fill_is_noisy_and_knows_what_to_do_without_any_pixel():
    picture = np.random.default_rng(0).uniform(0, 100, (40, 40, 3)).astype(np.float32)
    removed = np.ones((40, 40), bool)
    rest = fills.road(picture, removed, np.random.default_rng(1)) - picture.mean((0, 1))
    assert rest.std() == pytest.approx(0.01 * np.ptp(picture), rel=0.1)
    removed[:20] = False
    fill = fills.road(picture, removed, np.random.default_rng(1))
    assert np.array_equal(fill[:20], picture[:20])
    assert 0.005 < (fill - fills.interpolated(picture, removed))[20:].std() / np.ptp(picture) < 0.015


@pytest.mark.parametrize("fill", fills.FILLS)
def test_fills_leave_the_rest_as_it_is(fill):
    picture = np.random.default_rng(0).uniform(0, 1, (9, 12, 1)).astype(np.float32)
    removed = np.zeros((9, 12), bool)
    removed[2:7, 3:8] = True
    filled = fills.chosen(fill)(picture, removed, np.random.default_rng(0))
    assert filled.shape == picture.shape
    assert filled.dtype == np.float32
    assert np.array_equal(filled[~removed], picture[~removed])
    assert not np.allclose(filled[removed], picture[removed], atol=0.05)


# --- What a map must beat -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", ["road", "blur", "mean"])
def test_a_map_of_the_planted_evidence_beats_every_baseline(fill):
    model, picture = nets.planted(), nets.planted_picture()[np.newaxis]
    heat = explain(model, picture, 0, "features").maps["gradcam"]["features"]
    gain = removal(model, picture, heat, ZERO, fill).srg[0]
    maps = baseline_maps(picture, heat.shape[1:], draws=6)
    gains = {name: removal(model, picture, others, ZERO, fill).srg[0] for name, others in maps.items()}
    chance = np.mean([gains[name] for name in gains if "random" in name])
    assert gain > max(gains.values())
    assert gain > chance + 0.2
    assert chance == pytest.approx(0, abs=0.2)


def test_baselines_are_what_their_names_say():
    picture = np.zeros((2, 12, 16, 3), np.uint8)
    picture[0, :, 8:] = 200
    maps = baseline_maps(picture, (3, 4), draws=2)
    assert list(maps) == ["edges", "blob", "random-1", "random-2"]
    assert set(np.argmax(maps["edges"][0], 1)) <= {7, 8}
    assert not maps["edges"][1].any()
    assert maps["blob"][1].argmax() in [row * 16 + column for row in (5, 6) for column in (7, 8)]
    assert not np.array_equal(maps["random-1"], maps["random-2"])


# --- Two models -----------------------------------------------------------------------------------------------------


def looking(columns):
    """A net that looks at some columns of a 4 x 4 picture."""
    weights = np.zeros((4, 4, 1), np.float32)
    weights[:, columns] = 1
    x = keras.Input((4, 4, 1))
    y = layers.Flatten()(nets.identity(1, activation="relu")(x))
    return keras.Model(x, nets.dense(np.stack([weights.ravel(), np.zeros(16)], 1), activation="softmax")(y))


def test_what_the_other_model_looks_at_is_not_missed():
    """Left looks at the left half, right at the right one: by the other's map each keeps its score to the half."""
    models = [looking(slice(0, 2)), looking(slice(2, 4)), looking(slice(0, 2))]
    picture = np.ones((2, 4, 4, 1), np.float32)
    explanations = [explain(model, picture, 0, "features", "hirescam") for model in models]
    told = []
    curves = cross_removal(
        models, explanations, steps=2, fill="black", score="logit", progress=lambda *step: told.append(step)
    )
    for place in range(2):
        np.testing.assert_allclose(curves[0][0].most[place], [8, 0, 0], atol=1e-5)
        np.testing.assert_allclose(curves[0][1].most[place], [8, 8, 0], atol=1e-5)
        np.testing.assert_allclose(curves[1][0].most[place], [8, 8, 0], atol=1e-5)
    np.testing.assert_allclose(curves[0][0].srg, [4, 4])
    np.testing.assert_allclose(curves[0][1].srg, [-4, -4])
    np.testing.assert_allclose(curves[0][2].srg, curves[2][0].srg)
    assert told[-1] == (9 * 8, 9 * 8)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_models_of_other_sizes_and_classes_are_each_watched_on_their_own_picture():
    models = [nets.convolutional(size=(8, 8)), nets.convolutional(size=(12, 16))]
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    explanations = [explain(model, picture, target) for model, target in zip(models, (0, 2), strict=True)]
    curves = cross_removal(models, explanations, steps=2)
    whole = [explanations[0].probabilities[0, 0], explanations[1].probabilities[0, 2]]
    for by in curves:
        np.testing.assert_allclose([watched.most[0, 0] for watched in by], whole, rtol=1e-4)
    with pytest.raises(ValueError, match="2 models and 1 explanations"):
        cross_removal(models, explanations[:1])


# --- Drop, single deletion, localisation ----------------------------------------------------------------------------


def test_average_drop_by_hand_with_its_area():
    def total(batch, classes):
        return batch.sum((1, 2, 3))

    picture = np.array([[[[1.0], [3.0]]], [[[1.0], [-3.0]]], [[[1.0], [3.0]]]])
    maps = np.array([[[1.0, 2.0]], [[0.5, -1.0]], [[5.0, 5.0]]])
    dropped = average_drop(total, picture + 4, maps, np.zeros(3, int))
    # 3 + 4 is left of 12; 1 + 4 of 6; of a map that is the same everywhere nothing
    np.testing.assert_allclose(dropped.drop, [5 / 12, 1 / 6, 1], rtol=1e-6)
    np.testing.assert_allclose(dropped.area, [0.5, 0.5, 0])
    rising = average_drop(total, picture[1:2] + 2.9, maps[1:2], ZERO)  # without -0.1 it rises
    assert rising.rises.tolist() == [True]
    assert rising.drop.tolist() == [0]


def test_single_deletion_knows_the_order_of_a_linear_net(wide):
    model, ones = linear(wide), np.ones((1, 16, 16, 1), np.float32)

    def correlation(heat):
        return single_deletion(model, ones, heat[np.newaxis], ZERO, fill="black").correlations[0]

    assert correlation(wide) == pytest.approx(1)
    assert correlation(-wide) == pytest.approx(-1)
    assert np.isnan(correlation(np.zeros((4, 4))))
    random = np.random.default_rng(0).random((60, 4, 4))
    score = single_deletion(model, np.repeat(ones, 60, 0), random, np.zeros(60, int), fill="black")
    assert score.interval[0] < 0 < score.interval[1]
    assert score.interval[1] - score.interval[0] < 0.2
    with pytest.raises(ValueError, match="2 to 16 parts"):
        single_deletion(model, ones, wide[np.newaxis], ZERO, grid=17)


def test_localisation_is_told_beside_chance():
    mask = np.zeros((3, 8, 8), bool)
    mask[:, :, :2] = True
    heat = np.zeros((3, 4, 4))
    heat[0, 1, 0] = heat[1, 1, 3] = 1
    told = localisation(heat, mask)
    np.testing.assert_array_equal(told.energy, [1, 0, np.nan])
    np.testing.assert_array_equal(told.pointing, [1, 0, np.nan])
    assert told.chance.tolist() == [0.25] * 3
    assert localisation(np.ones((1, 4, 4)), mask[:1]).energy.tolist() == [0.25]
    assert "plausibility" in localisation.__doc__.lower()
    plateau = np.zeros((1, 8, 8))
    plateau[0, 2:5, 1:6] = 1  # its corner lies inside, its middle does not
    assert localisation(plateau, mask[:1]).pointing.tolist() == [0]


# --- Randomised weights ---------------------------------------------------------------------------------------------


@pytest.fixture
def blind():
    """A rule that looks at the picture alone."""

    @register("picture", title="Picture", equation="x", source="a test", level="input")
    def rule(pixels):
        return pixels[..., 0]

    yield
    del RULES["picture"]


def test_maps_that_know_the_model_change_with_its_weights_and_others_do_not(blind):
    model, picture = nets.convolutional(activation="relu"), np.random.default_rng(0).uniform(0, 1, (2, 8, 8, 3))
    before = [weights.copy() for weights in model.get_weights()]
    told = []
    explanation = explain(model, picture, 1, rules=["gradient", "picture"])
    drawn = randomised(model, explanation, "gradient", progress=lambda *step: told.append(step))
    assert drawn.addresses == ("head", "conv2", "conv1", "conv0")
    assert drawn.maps.shape == (4, 2, 8, 8)
    assert told == [(done, 4) for done in (1, 2, 3, 4)]
    assert (drawn.correlations[-1] < 0.6).all()
    assert "conv0: " in repr(drawn)
    assert (randomised(model, explanation, "picture", stages=2).correlations == 1).all()
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)


def test_a_model_that_cannot_be_copied_is_refused():
    model = nets.Subclassed()
    with pytest.raises(ModelError, match="cannot copy"):
        randomised(model, explain(model, nets.PICTURE, 0, "features"))


# --- What is refused ------------------------------------------------------------------------------------------------


def test_what_does_not_go_together_is_refused(summing):
    one = WEIGHTS[np.newaxis]
    for arguments, message in (
        ((ONES, one[0], ZERO), "n maps"),
        ((ONES, np.repeat(one, 2, 0), ZERO), "n maps"),
        ((ONES, one, np.array([-1])), "no function"),
        ((ONES, np.full((1, 2, 2), np.nan), ZERO), "not finite"),
        ((ONES, one, ZERO, "grey"), "no fill 'grey', but road, blur, mean, black"),
        ((ONES, one, ZERO, "mean", 0), "1 or more"),
        ((ONES, one, ZERO, "mean", 2, "loss"), "score is"),
    ):
        with pytest.raises(ValueError, match=message):
            removal(summing, *arguments)
    with pytest.raises(ValueError, match="by degrees"):
        average_drop(summing, ONES, one, ZERO, "road")
