"""Ensembles: the mean of probabilities, the mean of densities, by hand; and the folders that name members."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from nets import dense, identity

from explain import checkpoints
from explain.agreement import density
from explain.align import align, compare
from explain.cards import Card
from explain.checkpoints import Checkpoint, CheckpointError, available, load, loaded
from explain.ensembles import Ensemble, counterparts, mean_density
from explain.explanation import Layer
from explain.pictures import read
from explain.targets import Finer

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "weights"
SGD, TWIN, HIGH = "cats-dogs-effnet-sgd", "cats-dogs-effnet-sgd-seed2", "cats-dogs-vgg16-high"
PICTURE = ROOT / "examples" / "cat-yarn.jpg"


@pytest.fixture(autouse=True)
def nothing_kept():
    checkpoints._kept.clear()
    yield
    checkpoints._kept.clear()


# --- by hand ----------------------------------------------------------------------------------------------------------

CLASSES = ("cat", "dog")


def member(name, red=0.0, blue=0.0, bias=0.0, side=2):
    """Dog's logit is red times the mean of red, plus blue times the mean of blue, plus the bias.

    So Grad-CAM for dog at `features` is the rectified picture itself, red and blue weighed by these numbers.
    """
    model = keras.Sequential(
        [
            keras.Input((side, side, 3)),
            identity(3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            dense([[red], [0], [blue]], [bias], activation="sigmoid"),
        ]
    )
    card = Card(model_id=name, title=name, description=name, classes=CLASSES, input_size=(side, side))
    return Checkpoint(card, Path(), model)


def ensemble(*members, temperature=1.0):
    card = replace(
        members[0].card, model_id="all", members=tuple(net.model_id for net in members), temperature=temperature
    )
    return Ensemble(card, Path(), members)


def coloured(red, blue):
    """A picture of two channels, lists of rows."""
    red, blue = np.array(red), np.array(blue)
    return np.stack([red, np.zeros_like(red), blue], axis=-1).astype(np.uint8)


def sigmoid(logit):
    return 1 / (1 + np.exp(-logit))


RED_BLUE = coloured([[8, 0], [0, 0]], [[1, 1], [0, 2]])
LIKES_RED, LIKES_BLUE = member("red", red=0.01, bias=0.5), member("blue", blue=500.0, bias=-499.0)
HATES_RED = member("hates", red=-0.2)


def test_probabilities_are_the_mean_of_the_members():
    dogs = [sigmoid(0.01 * 2 + 0.5), sigmoid(500 - 499), sigmoid(-0.2 * 2)]
    probabilities = ensemble(LIKES_RED, LIKES_BLUE, HATES_RED).predict([RED_BLUE, np.zeros((9, 5, 3), np.uint8)])
    assert probabilities.dtype == np.float32
    assert probabilities[0] == pytest.approx([1 - np.mean(dogs), np.mean(dogs)], abs=1e-6)
    assert probabilities[1, 1] == pytest.approx((sigmoid(0.5) + 0.5) / 3, abs=1e-6)
    assert ensemble(LIKES_RED).predict([]).shape == (0, 2)


@pytest.mark.parametrize("temperature", [0.01, 0.5, 2.0])
def test_one_temperature_on_the_logarithm_of_the_mean(temperature):
    both = ensemble(LIKES_RED, LIKES_BLUE, temperature=temperature)
    mean = (sigmoid(0.52) + sigmoid(1.0)) / 2
    dog = sigmoid(np.log(mean / (1 - mean)) / temperature)  # a softmax of two
    assert both.predict([RED_BLUE])[0] == pytest.approx([1 - dog, dog], abs=1e-6)
    explanation = both.explain(RED_BLUE, layers=["features"])
    assert explanation.probabilities[0] == pytest.approx([1 - dog, dog], abs=1e-6)
    assert explanation.scores == pytest.approx([np.log(mean) / temperature], abs=1e-5)


def test_certain_members_leave_nothing_undefined():
    sure = member("sure", bias=-200.0)
    assert ensemble(sure, temperature=3.0).predict([RED_BLUE])[0] == pytest.approx([1, 0], abs=1e-6)
    assert np.isfinite(ensemble(sure).explain(RED_BLUE, target="dog", layers=["features"]).scores).all()


def test_maps_are_the_mean_of_densities_whatever_the_gradients():
    # red [[8, 0], [0, 0]] has density 4 in one cell; blue [[1, 1], [0, 2]] has the densities 1, 1, 0 and 2
    both = ensemble(LIKES_RED, LIKES_BLUE).explain(RED_BLUE, layers=["features"])
    assert both.classes == CLASSES
    assert both.targets.tolist() == [1]
    assert both.map("features").dtype == np.float32
    np.testing.assert_allclose(both.map("features"), [[2.5, 0.5], [0, 1]], atol=1e-6)


def test_a_zero_map_counts_as_zero_and_all_zero_is_zero():
    three = ensemble(LIKES_RED, LIKES_BLUE, HATES_RED)
    np.testing.assert_allclose(
        three.explain(RED_BLUE, target="dog", layers=["features"]).map(), np.array([[5, 1], [0, 2]]) / 3, atol=1e-6
    )
    # for cat only the third has anything to say
    np.testing.assert_allclose(
        three.explain(RED_BLUE, target="cat", layers=["features"]).map(), np.array([[4, 0], [0, 0]]) / 3, atol=1e-6
    )
    likes = ensemble(LIKES_RED, LIKES_BLUE).explain(RED_BLUE, target=0, layers=["features"])
    assert not likes.map().any()
    assert likes.map().shape == (2, 2)


def test_members_are_explained_for_what_the_ensemble_says():
    """The third says cat; two say dog, and so does the mean."""
    three = ensemble(LIKES_RED, LIKES_BLUE, HATES_RED)
    explanation = three.explain(RED_BLUE, layers=["features"])
    assert [net.predict([RED_BLUE])[0].argmax() for net in three.members] == [1, 1, 0]
    assert explanation.targets.tolist() == [1]
    np.testing.assert_allclose(explanation.map(), np.array([[5, 1], [0, 2]]) / 3, atol=1e-6)
    cost = explanation.cost["gradcam"]
    assert (cost.forward, cost.backward, cost.batch) == (4, 4, 1)  # the third one twice


def test_each_picture_has_its_own_class():
    two = ensemble(LIKES_RED, member("hates", red=-1.0))
    pictures = [coloured([[0, 0], [0, 0]], [[1, 1], [1, 1]]), RED_BLUE]  # dog 0.62 and 0.5; dog 0.63 and 0.12
    explanation = two.explain(pictures, layers=["features"])
    assert explanation.targets.tolist() == [1, 0]
    np.testing.assert_allclose(explanation.map(picture=1), [[2, 0], [0, 0]], atol=1e-6)
    assert not explanation.map(picture=0).any()  # nothing red in it
    asked = two.explain(pictures, target=["cat", "predicted"], layers=["features"])
    assert asked.targets.tolist() == [0, 0]


def test_densities_come_to_the_finest_grid():
    fine = member("fine", blue=1.0, side=4)
    blue = np.zeros((4, 4), int)
    blue[0, 3] = 200
    picture = coloured(np.full((4, 4), 8), blue)  # red lies evenly; all blue is in one of 16 cells
    explanation = ensemble(LIKES_RED, fine).explain(picture, target="dog", layers=["features"])
    expected = np.full((4, 4), 0.5)
    expected[0, 3] += 8
    np.testing.assert_allclose(explanation.map(), expected, atol=1e-5)
    assert explanation.layers[0].shape == (2, 2, 3)  # the first one's, as what goes in
    assert explanation.pictures.shape == (1, 2, 2, 3)


def test_pictures_may_be_given_by_input_size():
    asked = []

    def squashed(size):
        asked.append(size)
        return [np.full((*size, 3), 9, np.uint8)]

    both = ensemble(LIKES_RED, member("fine", blue=1.0, side=4))
    grey = np.full((4, 4, 3), 9, np.uint8)
    np.testing.assert_array_equal(both.predict(squashed), both.predict([grey]))
    given = both.explain(squashed, target="dog", layers=["features"])
    np.testing.assert_array_equal(given.map(), both.explain(grey, target="dog", layers=["features"]).map())
    assert asked == [(2, 2), (4, 4)] * 2


def test_a_function_of_logits_has_no_meaning_for_several():
    with pytest.raises(ValueError, match="for a class"):
        ensemble(LIKES_RED, LIKES_BLUE).explain(RED_BLUE, target=lambda logits: logits[:, 0])


def test_attributions_are_the_mean_of_densities_and_rules_of_many_passes_tell_how_far_they_are():
    """Red's density is 4 in one cell, blue's 1, 1, 0 and 2; of all members together every pass is counted."""
    told: list[tuple[int, int]] = []
    rules = ["gradient-input", "integrated-gradients"]
    both = ensemble(LIKES_RED, LIKES_BLUE).explain(
        RED_BLUE,
        target="dog",
        rules=rules,
        parameters={"integrated-gradients": {"steps": 5}},
        progress=lambda done, total: told.append((done, total)),
    )
    assert both.rules == tuple(rules)
    assert both.layers == ()
    for rule in rules:
        np.testing.assert_allclose(both.map(rule=rule), [[2.5, 0.5], [0, 1]], rtol=1e-4)
    assert told[0] == (0, 12)
    assert told[-1] == (12, 12)
    assert both.cost["integrated-gradients"].forward == 12
    with pytest.raises(ValueError, match="no logits in common"):
        ensemble(LIKES_RED).explain(RED_BLUE, target=Finer("dog"))


def test_maps_that_are_not_finite_count_as_zero():
    even, broken = np.ones((2, 2), np.float32), np.array([[1, np.nan], [0, 1]], np.float32)
    np.testing.assert_array_equal(mean_density([even, broken]), np.full((2, 2), 0.5))
    np.testing.assert_array_equal(mean_density([broken, -even]), np.zeros((2, 2)))


@pytest.mark.parametrize("seed", range(8))
def test_counterparts_are_pairs_of_align(seed):
    rng = np.random.default_rng(seed)
    sides = []
    for count in rng.integers(1, 9, 2):
        depths = np.sort(rng.random(count))
        sides.append([Layer(f"{depth}", depth, (2 ** int(rng.integers(1, 6)),) * 2 + (3,)) for depth in depths])
    reference, others = sides
    places = counterparts(reference, others)
    pairs = align(reference, others)
    assert len(places) == len(reference)
    for i, j in enumerate(places):
        distances = {k: abs(reference[i].depth - others[k].depth) for i_paired, k in pairs if i_paired == i}
        assert j in distances
        assert distances[j] == min(distances.values())
    assert counterparts(reference, reference) == list(range(len(reference)))


# --- folders ----------------------------------------------------------------------------------------------------------


def card_of(name, members, **changes):
    card = {"id": name, "title": "All", "description": "All of them.", "classes": ["Cat", "Dog"], "input": [192, 192]}
    return card | {"members": members} | changes


def put(weights, name, members, **changes):
    """An ensemble's folder."""
    (weights / name).mkdir()
    (weights / name / "card.json").write_text(json.dumps(card_of(name, members, **changes)))


@pytest.fixture
def weights(tmp_path):
    """Shipped checkpoints in a folder of its own."""
    for name in (SGD, TWIN, HIGH):
        (tmp_path / name).symlink_to(SHIPPED / name, target_is_directory=True)
    return tmp_path


@pytest.mark.slow
def test_two_shipped_checkpoints_as_one(weights):
    put(weights, "sgd-twice", [SGD, TWIN])
    listed = available(weights)
    assert listed.problems == []
    cards = {card.model_id: card for card in listed.cards}
    assert cards["sgd-twice"].members == (SGD, TWIN)
    both = load("sgd-twice", weights)
    members = [load(name, weights) for name in (SGD, TWIN)]
    assert list(both.members) == members
    assert (both.model_id, both.classes, both.input_size) == ("sgd-twice", ("Cat", "Dog"), (192, 192))
    assert loaded(listed.cards, weights) == [SGD, TWIN, "sgd-twice"]
    picture = read(PICTURE)
    expected = sum(checkpoint.predict([picture.pixels]) for checkpoint in members) / 2
    np.testing.assert_allclose(both.predict([picture.pixels]), expected, atol=1e-6)

    explanation = both.explain(picture, rules=("gradcam", "layercam"))
    said = int(expected[0].argmax())
    assert explanation.targets.tolist() == [said]
    np.testing.assert_allclose(explanation.probabilities, expected, atol=1e-5)
    alone = [checkpoint.explain(picture, target=said, rules=("gradcam", "layercam")) for checkpoint in members]
    assert [layer.address for layer in explanation.layers] == [layer.address for layer in alone[0].layers]
    for rule in ("gradcam", "layercam"):
        for layer in explanation.layers:
            maps = [np.maximum(single.map(layer.address, rule), 0).astype(float) for single in alone]
            hand = sum(heat / heat.mean() if heat.any() else heat for heat in maps) / 2
            np.testing.assert_allclose(explanation.map(layer.address, rule), hand, atol=1e-4)
    assert compare(explanation, alone[0], rule="gradcam").stops[-1].versus[1].rank > 0.5


@pytest.mark.slow
def test_members_of_other_depths_and_sizes(weights):
    put(weights, "mixed", [SGD, HIGH], temperature=1.5)
    mixed, picture = load("mixed", weights), read(PICTURE)
    explanation = mixed.explain(picture)
    first, second = (checkpoint.explain(picture, target=int(explanation.targets[0])) for checkpoint in mixed.members)
    assert [layer.address for layer in explanation.layers] == [layer.address for layer in first.layers]
    places = counterparts(first.layers, second.layers, [(192, 192), (128, 128)])
    assert [layer.address for layer in second.layers] != [layer.address for layer in first.layers]
    for layer, place in zip(first.layers, places, strict=True):
        maps = first.map(layer.address), second.map(second.layers[place].address)
        grid = tuple(np.maximum(maps[0].shape, maps[1].shape))
        hand = sum(density(heat, grid) for heat in maps if heat.any()) / 2
        np.testing.assert_allclose(explanation.map(layer.address), hand, atol=1e-4)
    np.testing.assert_allclose(explanation.probabilities, mixed.predict([picture.pixels]), atol=1e-5)


def test_an_ensembles_digest_changes_with_its_members_and_temperature(weights):
    put(weights, "a", [SGD, TWIN])
    put(weights, "b", [SGD, TWIN], temperature=2)
    put(weights, "c", [SGD, HIGH])
    put(weights, "d", [SGD, TWIN], temperature=1)
    digests = {card.model_id: card.digests.model for card in available(weights).cards}
    assert all(len(digest) == 64 for digest in digests.values())
    assert digests["a"] == digests["d"]
    assert len({digests[name] for name in "abc"}) == 3


@pytest.mark.parametrize(
    ("changes", "code", "fault"),
    [
        ({"members": []}, "card", "members"),
        ({"members": "abc"}, "card", "members"),
        ({"members": [3, SGD]}, "card", "members"),
        ({"members": [SGD, SGD]}, "card", "members"),
        ({"temperature": 0}, "card", "temperature"),
        ({"temperature": "1"}, "card", "temperature"),
        ({"temperature": float("nan")}, "card", "temperature"),
        ({"members": [SGD, "nobody"]}, "members", "missing"),
        ({"members": [SGD, "../" + SGD]}, "members", "missing"),
        ({"members": [SGD, "{0}"]}, "members", "missing"),
        ({"members": ["all"]}, "members", "ensemble"),
        ({"members": ["other", SGD]}, "members", "ensemble"),
        ({"members": [SGD, "broken"]}, "members", "unusable"),
        ({"members": [HIGH, SGD]}, "members", "input"),
        ({"classes": ["Dog", "Cat"]}, "members", "classes"),
        ({"classes": ["Cat", "Dog", "Cow"]}, "members", "classes"),
    ],
)
def test_refused_in_one_sentence(changes, code, fault, weights):
    put(weights, "other", ["all"])  # each names the other
    (weights / "broken").mkdir()
    put(weights, "all", **{"members": [SGD, TWIN]} | changes)
    with pytest.raises(CheckpointError) as caught:
        load("all", weights)
    sentence = str(caught.value)
    assert caught.value.code == code
    assert fault in (caught.value.facts.get("fault"), caught.value.facts.get("part"))
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert str(weights) not in sentence
    assert ("all", sentence) in available(weights).problems
