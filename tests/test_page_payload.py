"""From explanations to the page's message: packing, words, yardsticks."""

import base64
import io
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from judges import UNEXPLAINED, ship, unexplained
from PIL import Image

from explain import checkpoints
from explain.align import compare
from explain.cards import Card, Digests, Figures
from explain.explanation import Cost, Explanation, Features, Layer
from explain.pictures import Picture
from explain.view import message as view_message
from explain.view.message import Explained
from explain.view.words import Words
from page import previews
from page.experiments import Yardstick, yardstick
from page.layout import catalog, template
from page.service import Refused, Service
from page.texts import PageTexts
from study.experiments import read_experiments
from study.store import Store

pytest_plugins = ["page_fixtures"]
ROOT = Path(__file__).parent.parent
WORDS = Words()
NAMES = ("SGD", "Adam")
CARD = Card(
    model_id="one",
    title="Net, SGD",
    description="A net.",
    classes=("Cat", "Dog"),
    input_size=(8, 8),
    parameters=3_373_000,
    recipe={"model": {"name": "efficientnet-lite0"}},
    splits={"test": Figures(n=4000, accuracy=0.9882, accuracy_interval=(0.985, 0.991))},
)
OTHER = replace(CARD, model_id="two", title="Net, Adam", splits={})
BARE = {"id": "bare", "title": "Bare", "description": "A net.", "classes": ["Cat", "Dog"], "input": [32, 32]}
BARE |= {"digests": {"model": "0" * 64}}


def explanation(maps: list, dog: float = 0.9, target: int = 1, dead: float = 0.0) -> Explanation:
    """Of one 8 x 8 picture, with these maps at layers block1a_add, block1b_add ..."""
    layers = tuple(
        Layer(f"block1{chr(97 + i)}_add", i / max(1, len(maps) - 1), (*np.shape(map), 2)) for i, map in enumerate(maps)
    )
    features = {
        layer.address: Features(
            channels=np.array([[1, 0]]),
            importance=np.array([[0.5, 0.25]], np.float32),
            maps=np.stack([np.asarray(map, np.float32), -np.asarray(map, np.float32)], -1)[None],
            means=np.zeros((1, 100), np.float32),
            deviations=(np.arange(100)[None] >= 100 * dead).astype(np.float32),
        )
        for layer, map in zip(layers, maps, strict=True)
    }
    return Explanation(
        pictures=np.full((1, 8, 8, 3), 100, np.uint8),
        probabilities=np.array([[1 - dog, dog]], np.float32),
        scores=np.array([1.0], np.float32),
        targets=np.array([target]),
        classes=("Cat", "Dog"),
        layers=layers,
        maps={
            "gradcam": {
                layer.address: np.asarray(map, np.float32)[None] for layer, map in zip(layers, maps, strict=True)
            }
        },
        features=features,
        cost={"gradcam": Cost(1, 1, 20.0, 1)},
    )


def message(*explanations: Explanation, asked: str = "own", band: Yardstick | None = None, **more: object) -> dict:
    """Of two models, or more; `band` is the second's."""
    cards = CARD, OTHER, *[replace(CARD, model_id=f"more{k}", title=f"Net, more {k}") for k in range(4)]
    explained = [Explained(*pair) for pair in zip(cards, explanations, strict=False)]
    picture = Picture(np.full((30, 40, 3), 100, np.uint8), ("shrunk",))
    comparison = compare(*explanations)
    yardsticks = [None] * len(explanations)
    yardsticks[1] = band and band.along(stop.depth for stop in comparison.stops)
    return view_message.message(picture, explained, comparison, asked, yardsticks, **more)


def agreement_of(stop: dict) -> dict:
    """Of two models."""
    first, second = stop["versus"]
    assert first is None
    return second


def shares_of(answer: dict) -> list[dict]:
    return [{bar["name"]: bar["share"] for bar in model["bars"]} for model in answer["models"]]


def unpacked(part: dict, dtype: type = np.uint8) -> np.ndarray:
    return np.frombuffer(base64.b64decode(part["data"]), dtype).reshape(-1, *part["size"])


def said(stop: dict) -> str:
    return plain(" ".join(sentence["text"] for sentence in stop["words"]))


def plain(text: str) -> str:
    """With plain spaces where a line must not break."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


RISING = [[0.0, 1.0], [2.0, 4.0]]


# --- packing ----------------------------------------------------------------------------------------------------------


def test_a_map_travels_as_8_bits_of_its_greatest_value():
    packed = view_message.packed_map(np.array([[0, 1], [2, 4]], np.float32) * 1e-6)
    assert unpacked(packed).tolist() == [[[0, 64], [128, 255]]]
    assert packed["max"] == pytest.approx(4e-6)
    assert packed["size"] == [2, 2]


@pytest.mark.parametrize("map", [np.zeros((2, 2)), np.full((2, 2), -1.0), np.full((2, 2), np.nan)])
def test_a_map_without_heat_is_zero_and_says_so(map):
    packed = view_message.packed_map(map.astype(np.float32))
    assert packed["max"] == 0
    assert not unpacked(packed).any()


def test_feature_maps_keep_their_range_and_order():
    left = explanation([RISING])
    packed = view_message.packed_features(left.features["block1a_add"])
    assert unpacked(packed).tolist() == [[[0, 64], [128, 255]], [[255, 191], [128, 0]]]
    assert (packed["channels"], packed["importance"], packed["count"]) == ([1, 0], [0.5, 0.25], 2)
    assert (packed["low"], packed["high"]) == ([0, -4], [4, 0])


def test_large_feature_maps_are_averaged_down_to_48_pixels():
    maps = np.zeros((1, 96, 64, 1), np.float32)
    maps[0, 0, 0, 0] = 8.0
    packed = view_message.packed_features(Features(np.zeros((1, 1), int), np.ones((1, 1)), maps, *np.ones((2, 1, 1))))
    assert packed["size"] == [48, 32]
    assert packed["high"] == [2.0]  # one of four pixels
    assert unpacked(packed)[0, 0, 0] == 255
    assert unpacked(packed).sum() == 255


def test_a_difference_is_signed_and_stands_on_a_round_scale_that_fits_it():
    even = [[1.0, 1.0], [1.0, 1.001]]
    # densities less 1: at the left column 1 and -1; in one corner of sixteen 15 and -1
    corner = np.zeros((4, 4))
    corner[0, 0] = 1
    answer = message(explanation([[[2.0, 0.0], [2.0, 0.0]], corner]), explanation([even, even]))
    first, second = (agreement_of(stop)["difference"] for stop in answer["stops"])
    assert (first["limit"], second["limit"]) == (2, 20)  # a little above 1, and within the quantile of 15
    assert unpacked(first, np.int8)[0] == pytest.approx(np.array([[63.5, -63.5]] * 2), abs=0.6)
    assert unpacked(second, np.int8)[0, 0].tolist() == [95, -6, -6, -6]


@pytest.mark.parametrize(("values", "scale"), [([0.7, -0.3], 1), ([0.0, 0.0], 0.1), ([2.1, 0.1], 5), ([400.0] * 9, 50)])
def test_the_scale_is_round_and_no_smaller_than_a_tenth(values, scale):
    assert view_message.scale_of(np.array([values])) == scale


def test_a_single_cell_does_not_decide_the_scale():
    values = np.full(10_000, 0.4)
    values[:100] = 30
    assert view_message.scale_of(values) == 0.5


def test_nearly_equal_maps_have_a_faint_difference():
    answer = message(explanation([RISING]), explanation([[[0.0, 1.0], [2.0, 4.01]]]))
    difference = agreement_of(answer["stops"][0])["difference"]
    assert difference["limit"] == 0.1
    assert np.abs(unpacked(difference, np.int8)).max() < 8


def test_a_map_of_tiny_values_is_not_lost():
    packed = view_message.packed_map(np.array([[0, 1], [2, 4]], np.float32) * 1e-40)
    assert unpacked(packed).tolist() == [[[0, 64], [128, 255]]]


def test_the_shown_picture_is_at_most_1024_pixels_and_keeps_its_shape():
    view = view_message.shown(Picture(np.zeros((600, 3000, 3), np.uint8), ("first-frame", "shrunk")), WORDS)
    assert (view["width"], view["height"]) == (1024, 205)
    assert len(view["notes"]) == 2
    with Image.open(io.BytesIO(base64.b64decode(view["src"].split(",")[1]))) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 205))


def test_what_the_models_saw_is_exact():
    answer = message(explanation([RISING]), explanation([RISING]))
    assert list(answer["saw"]) == ["8x8"]
    with Image.open(io.BytesIO(base64.b64decode(answer["saw"]["8x8"].split(",")[1]))) as image:
        assert np.array_equal(np.asarray(image), np.full((8, 8, 3), 100))


def test_the_message_is_json_with_finite_numbers_alone():
    answer = message(explanation([RISING, np.zeros((2, 2))]), explanation([RISING, RISING]))
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert ([model["id"] for model in answer["models"]], answer["rule"]) == (["one", "two"], "gradcam")
    assert answer["cost"] == {"passes": 4, "explain": 40.0}
    assert agreement_of(answer["stops"][1]) == {"rank": None, "overlap": None, "band": None, "difference": None}


def test_models_of_different_depth_share_every_stop():
    answer = message(explanation([RISING, RISING]), explanation([RISING] * 4))
    assert [stop["layers"] for stop in answer["stops"]][::3] == [[0, 0], [1, 3]]
    for stop in answer["stops"]:
        for place, model in zip(stop["layers"], answer["models"], strict=True):
            assert place < len(model["layers"])


def test_three_models_are_held_against_the_first():
    turned = np.array(RISING)[::-1, ::-1]
    answer = message(explanation([RISING]), explanation([RISING]), explanation([turned]), band=band(0.5, 1.0))
    assert answer["reference"] == 0
    assert [model["name"] for model in answer["models"]] == ["SGD", "Adam", "more 0"]
    assert [model["yardstick"] is None for model in answer["models"]] == [True, False, False]
    (stop,) = answer["stops"]
    assert stop["layers"] == [0, 0, 0]
    assert [versus and round(versus["rank"], 3) for versus in stop["versus"]] == [None, 1, -1]
    assert [versus and versus["band"] is None for versus in stop["versus"]] == [None, False, True]
    assert answer["cost"]["passes"] == 6
    pair = message(explanation([RISING]), explanation([RISING]), band=band(0.5, 1.0))
    assert stop["versus"][:2] == pair["stops"][0]["versus"]  # whatever stands beside the two
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_bars_stand_in_one_order_for_all_models():
    answer = message(explanation([RISING], dog=0.9), explanation([RISING], dog=0.3))
    assert [[bar["name"] for bar in model["bars"]] for model in answer["models"]] == [["Dog", "Cat"]] * 2
    assert [plain(bar["text"]) for bar in answer["models"][1]["bars"]] == ["30 %", "70 %"]


def test_of_equally_probable_classes_the_explained_one_is_what_the_model_says():
    """A sigmoid of 5 and one of 6 may round to one number, or a class be asked for that is as likely as the first."""
    tied = explanation([np.eye(2)], dog=0.5, target=1)
    answer = message(tied, tied)
    assert tied.answers.tolist() == [1]
    assert [model["says"] for model in answer["models"]] == ["Dog", "Dog"]
    assert [bar["name"] for bar in answer["models"][0]["bars"]] == ["Dog", "Cat"]
    assert "it says" not in answer["models"][0]["evidence"]
    asked = explanation([np.eye(2)], dog=0.4, target=1)
    assert asked.answers.tolist() == [0]


def test_a_model_tells_what_its_card_tells():
    answer = message(explanation([RISING]), explanation([RISING]))
    first, second = answer["models"]
    assert first["detail"] == "EfficientNet-Lite0 · 3.4 M weights · 8 × 8 px"
    assert plain(first["accuracy"]) == "right on 98.8 % of test pictures"
    assert plain(first["accuracy_short"]) == "right: 98.8 %"
    assert "4,000 test pictures it never saw; 95 % interval 98.5 to 99.1 %" in first["accuracy_title"]
    assert first["accuracy_title"].endswith("Net, SGD: EfficientNet-Lite0 · 3.4 M weights · 8 × 8 px.")
    assert (second["accuracy"], second["accuracy_short"]) == ("", "")


@pytest.mark.parametrize(
    "odd", [{}, {"splits": None}, {"splits": {"test": 3}}, {"splits": {"test": {"accuracy": "?"}}}]
)
def test_cards_with_missing_or_odd_figures_are_survived(odd):
    card = Card.from_json(BARE | {"recipe": "none"} | odd)
    assert WORDS.accuracy(card) == ("", "")
    assert view_message.detail(card, WORDS) == "32 × 32 px"


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "< 0.1 %"),
        (0.0001, "< 0.1 %"),
        (0.0005, "< 0.1 %"),
        (0.004, "0.4 %"),
        (0.5, "50 %"),
        (0.984, "98 %"),
        (0.994, "99.4 %"),
        (0.9995, "> 99.9 %"),
        (1, "> 99.9 %"),
    ],
)
def test_a_prediction_is_never_certain(share, text):
    assert plain(WORDS.confidence(share)) == text
    assert plain(WORDS.percent(share)) == {0: "0 %", 1: "100 %"}.get(share, text)  # what was counted may be


def test_a_full_probability_is_not_called_certain():
    answer = message(explanation([RISING], dog=1.0), explanation([RISING], dog=1.0))
    assert [plain(bar["text"]) for bar in answer["models"][0]["bars"]] == ["> 99.9 %", "< 0.1 %"]
    assert "SGD > 99.9 % sure, Adam > 99.9 %." in said(answer["stops"][0])


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (("Net, SGD", "Net, Adam"), ("SGD", "Adam")),
        (("Net, SGD", "Net, SGD, seed 2"), ("SGD", "SGD, seed 2")),
        (("Net", "Other"), ("Net", "Other")),
        (("Net", "Net"), ("model 1", "model 2")),
        (("Net, SGD", "Net, Adam", "Net, SGD"), ("model 1", "Adam", "model 3")),
        (("Net, SGD", "Net, SGD, seed 2", "Other"), ("Net, SGD", "Net, SGD, seed 2", "Other")),
    ],
)
def test_models_are_called_by_what_differs(titles, names):
    assert WORDS.names(*titles) == names


def test_layers_get_short_names_unless_two_would_be_alike():
    addresses = ["stem_activation", "net/block2b_add", "top_activation"]
    assert WORDS.layer_names(addresses) == ["stem", "block 2b", "last features"]
    assert WORDS.layer_names(["a/conv_add", "b/conv_bn"]) == ["a/conv_add", "b/conv_bn"]


def test_the_same_answer_alike_sure():
    answer = message(explanation([RISING], dog=0.97), explanation([RISING], dog=0.95))
    assert said(answer["stops"][0]).startswith("Both say **dog**: SGD 97 % sure, Adam 95 %.")


def test_a_map_that_does_not_add_up_is_told_of():
    """By whom and how much; nothing where all is explained to 1 %."""

    def attributed(residual):
        return replace(
            explanation([RISING]),
            maps={},
            attributions={"integrated-gradients": np.ones((1, 8, 8), np.float32) * np.arange(8, dtype=np.float32)},
            residuals={"integrated-gradients": np.array([residual], np.float32)},
            cost={"integrated-gradients": Cost(257, 256, 20.0, 8)},
        )

    text = said(message(attributed(0.004), attributed(0.031))["stops"][0])
    assert "Adam's map leaves **3 % of the score's rise unexplained**" in text
    assert "SGD's map leaves" not in text
    assert "SGD's map **does not add up" in said(message(attributed(np.inf), attributed(0.01))["stops"][0])
    assert "leaves up to 3% of the score's rise unexplained" in repr(attributed(0.031))
    assert "unexplained" not in repr(attributed(0.01))


def test_a_disagreement_names_the_common_class():
    answer = message(explanation([RISING], dog=0.9), explanation([RISING], dog=0.3), asked="common")
    text = said(answer["stops"][0])
    assert "They disagree: SGD says **dog** (90 % sure), Adam **cat** (70 %)." in text
    assert "Both maps show what speaks for **dog**, the class with the higher mean probability" in text
    assert (answer["target"]["common"], answer["target"]["text"]) == ("Dog", "explained: Dog")
    assert [model["evidence"] for model in answer["models"]] == [
        {"text": "evidence for **dog**", "tone": ""},
        {"text": "evidence for **dog**; it says cat", "tone": "warn"},
    ]
    for dogs in ((0.9, 0.3), (0.1, 0.2)):  # whether they disagree or both say another
        asked = message(*(explanation([RISING], dog=dog) for dog in dogs), asked="Dog")
        assert "Both maps show what speaks for **dog**, the class that was asked about" in said(asked["stops"][0])
    same = message(explanation([RISING], dog=0.9), explanation([RISING], dog=0.8), asked="Dog")
    assert "asked about" not in said(same["stops"][0])


def test_of_different_classes_each_map_says_its_own_and_nothing_holds_them_against_each_other():
    answer = message(
        explanation([RISING, np.zeros((2, 2)), np.ones((2, 2))], dog=0.9),
        explanation([RISING, RISING, np.zeros((2, 2))], dog=0.3, target=0, dead=0.04),
    )
    assert [model["target"] for model in answer["models"]] == ["Dog", "Cat"]
    assert [model["evidence"] for model in answer["models"]] == [
        {"text": "its own answer: evidence for **dog**", "tone": ""},
        {"text": "its own answer: evidence for **cat**", "tone": "warn"},
    ]
    assert answer["target"] == {
        "asked": "own",
        "options": ["Cat", "Dog"],
        "common": "Dog",
        "text": "explained: each model's own answer",
    }
    assert "differ whatever the models look at" in answer["models"][1]["yardstick"]["text"]
    told = [said(stop) for stop in answer["stops"]]
    for stop, text in zip(answer["stops"], told, strict=True):
        assert agreement_of(stop)["difference"] is agreement_of(stop)["band"] is None
        assert text.startswith(
            "They disagree: SGD says **dog** (90 % sure), Adam **cat** (70 %). Each map shows what speaks for"
        )
        assert not re.search(r"\bspot|luck|Agreement", text)
    assert agreement_of(answer["stops"][0])["rank"] == pytest.approx(1)  # the curve stays
    assert "SGD's map is **zero everywhere** here: by this method, nothing at this layer speaks for dog" in told[1]
    assert "Adam's map is **zero everywhere** here: by this method, nothing at this layer speaks for cat" in told[2]


def test_of_three_models_those_of_the_references_class_have_a_difference():
    answer = message(explanation([RISING]), explanation([RISING]), explanation([RISING], target=0), band=band(0.5, 1))
    (stop,) = answer["stops"]
    assert [versus and versus["difference"] is not None for versus in stop["versus"]] == [None, True, False]
    legends = [model["yardstick"] and bool(model["yardstick"]["luck"]) for model in answer["models"]]
    assert legends == [None, True, False]


def test_where_the_heat_peaks_and_how_wide_it_is():
    narrow, wide = np.zeros((8, 8)), np.ones((8, 8)) * 0.1
    narrow[1, 2], wide[1, 1:5] = 1.0, 1.0
    together = said(message(explanation([narrow]), explanation([wide]))["stops"][0])
    assert "both look **at the same spot**, but Adam at **4.0 × as much** of the picture" in together
    apart = said(message(explanation([narrow]), explanation([narrow[::-1]]))["stops"][0])
    assert "look at **different spots**, and about as widely (2 % and 2 % of the picture)" in apart


def test_a_zero_map_is_said_to_be_zero():
    some, none = explanation([RISING]), explanation([np.zeros((2, 2))])
    assert "Adam's map is **zero everywhere** here" in said(message(some, none)["stops"][0])
    assert "Both maps are **zero everywhere** here" in said(message(none, none)["stops"][0])


def test_maps_that_are_the_same_everywhere_have_no_peak():
    some, flat = explanation([RISING]), explanation([np.ones((2, 2))])
    assert "Adam looks at no place in particular here: its map is the same everywhere." in said(
        message(some, flat)["stops"][0]
    )
    assert "Neither looks at a place in particular here: both maps are the same everywhere." in said(
        message(flat, flat)["stops"][0]
    )


def test_silent_channels_are_told_of_the_feature_maps_and_are_no_alarm():
    (stop,) = message(explanation([RISING]), explanation([RISING], dead=0.04))["stops"]
    assert (
        plain(stop["channels"][-1]["text"])
        == "0 % (SGD) and 4 % (Adam) of this layer's channels are silent on this photo."
    )
    assert {entry["tone"] for entry in stop["words"] + stop["channels"]} == {""}
    assert "silent" not in said(stop)
    (stop,) = message(explanation([RISING]), explanation([RISING]))["stops"]
    assert "silent" not in stop["channels"][-1]["text"]


TWINS = [
    replace(card, initial_weights="ImageNet", recipe={"model": {"name": "efficientnet-lite0", "weights": "imagenet"}})
    for card in (CARD, OTHER)
]


def channels(first: np.ndarray, second: np.ndarray, *cards: Card, importance: tuple = ((1, 2), (1, 2))) -> dict:
    """The stop of two models of one layer with these activations, h x w x channels."""
    sides = []
    for maps, weights in zip((first, second), importance, strict=True):
        order = np.argsort(-np.array(weights, float), kind="stable")
        features = Features(
            channels=order[None],
            importance=np.array(weights, np.float32)[None, order],
            maps=maps[None, ..., order].astype(np.float32),
            means=np.zeros((1, maps.shape[-1]), np.float32),
            deviations=maps.std((0, 1))[None].astype(np.float32),
        )
        side = explanation([RISING])
        sides.append(replace(side, features={"block1a_add": features}))
    explained = [Explained(*pair) for pair in zip(cards or TWINS, sides, strict=True)]
    return view_message.message(Picture(np.zeros((8, 8, 3), np.uint8)), explained, compare(*sides))


def test_the_same_channels_of_twins_stand_in_one_order_with_their_correlation():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(5, 5, 40))
    second = first + 0.1 * rng.normal(size=first.shape)
    second[..., 7] = -first[..., 7]
    second[..., 8] = 0  # silent
    weights = rng.uniform(size=40), rng.uniform(size=40)
    answer = channels(first, second, importance=weights)
    (stop,) = answer["stops"]
    twins = stop["twins"]
    together = sum(each / each.max() for each in weights)
    assert twins["channels"] == np.argsort(-together)[:16].tolist()
    assert len(twins["all"]) == 40
    assert twins["all"][7] == pytest.approx(-1, abs=1e-3)
    assert twins["all"][8] is None
    expected = np.corrcoef(first[..., 3].ravel(), second[..., 3].ravel())[0, 1]
    assert twins["all"][3] == pytest.approx(expected, abs=1e-3)
    assert twins["alike"] == [twins["all"][channel] for channel in twins["channels"]]
    assert twins["typical"] == pytest.approx(
        np.median([value for value in twins["all"] if value is not None]), abs=1e-3
    )
    for model, weight in zip(answer["models"], weights, strict=True):
        features = model["layers"][0]["features"]
        assert features["channels"][: features["count"]] == np.argsort(-weight)[:16].tolist()
        assert set(twins["channels"]) <= set(features["channels"])
        assert len(unpacked(features)) == len(features["channels"]) == len(set(features["channels"]))
    assert "**all but equal** (correlation 0.9" in stop["channels"][1]["text"]


def test_what_does_not_begin_alike_has_no_common_channels():
    maps = np.random.default_rng(0).normal(size=(4, 4, 2))
    other_weights = replace(TWINS[1], initial_weights="elsewhere")
    from_nothing = [
        replace(card, initial_weights="none", recipe={"seed": 1, "model": {"name": "vgg16", "weights": ""}})
        for card in TWINS
    ]
    another = replace(TWINS[1], recipe={"model": {"name": "efficientnet-lite1", "weights": "imagenet"}})
    for cards in ((TWINS[0], other_weights), from_nothing, (TWINS[0], another), (CARD, OTHER)):
        (stop,) = channels(maps, maps, *cards)["stops"]
        assert stop["twins"] is None
        assert "no known counterpart" in stop["channels"][1]["text"]
    assert channels(maps, maps)["stops"][0]["twins"]["alike"] == [1, 1]


def test_the_shipped_twins_are_those_that_began_with_imagenets_weights():
    cards, _ = checkpoints.available()
    known = {card.model_id: card for card in cards}
    sides = [explanation([RISING])] * 2

    def twins(*ids: str) -> bool:
        if not set(ids) <= known.keys():
            pytest.skip("the checkpoints are not there")
        return view_message.twins([Explained(known[model_id], side) for model_id, side in zip(ids, sides, strict=True)])

    assert twins("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
    assert twins("cifar100-effnet-frozen", "cifar100-effnet-finetuned")
    assert not twins("cats-dogs-vgg16-high", "cats-dogs-vgg16-low")  # both from nothing, by the same seed
    assert not twins("cifar100-effnet-lite1", "cifar100-effnet-lite2")


def test_a_picture_of_none_of_few_classes_is_said_to_be_so():
    text = said(message(explanation([RISING]), explanation([RISING]), belongs=False)["stops"][0])
    assert "The picture shows **none of these**: the models can only choose between cat and dog." in text
    assert "none of these" not in said(message(explanation([RISING]), explanation([RISING]), belongs=True)["stops"][0])


def test_one_model_on_both_sides_is_told_as_that():
    side = explanation([RISING])
    answer = view_message.message(
        Picture(np.zeros((8, 8, 3), np.uint8)), [Explained(CARD, side)] * 2, compare(side, side)
    )
    text = said(answer["stops"][0])
    assert "Both sides are **the same model**." in text
    assert "luck" not in text


def test_two_trainings_of_one_recipe_are_not_measured_by_themselves():
    yardstick = band(0.5, 1.0).along([0.0]) | {"same_recipe": True}
    sides = [explanation([RISING]), explanation([RISING])]
    explained = [Explained(*pair) for pair in zip((CARD, OTHER), sides, strict=True)]
    picture = Picture(np.zeros((8, 8, 3), np.uint8))
    (stop,) = view_message.message(picture, explained, compare(*sides), "own", [None, yardstick])["stops"]
    assert "These are **two trainings of one recipe**: what differs differs by luck. On 8 of 10 test pictures" in said(
        stop
    )
    assert "No more different" not in said(stop)


def band(low: float, high: float, below: float | None = None) -> Yardstick:
    edges = np.array([[low, (low + high) / 2, high]] * 2)
    return Yardstick(1000, np.array([0.0, 1.0]), edges, edges, below)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (
            0.5,
            1.0,
            "**No more different than luck makes two trainings** on 8 of 10 {photos}. "
            "All layers together: nowhere below luck.",
        ),
        (0.1, 0.2, "**More alike than luck leaves two trainings** on 9 of 10 {photos}. All layers together: nowhere"),
    ],
)
def test_agreement_is_measured_by_two_seeds(low, high, text):
    answer = message(explanation([RISING]), explanation([RISING]), band=band(low, high))
    assert text.format(photos="test pictures") in said(answer["stops"][0])
    assert agreement_of(answer["stops"][0])["band"]["rank"] == [low, (low + high) / 2, high]


@pytest.mark.parametrize(
    ("below", "course"),
    [
        (0.4, "at 1 of 2, **at more than luck gives** on 9 of 10 of those; most of all at block 1b."),
        (0.5, "at 1 of 2, still what luck gives."),
        (None, "at 1 of 2, most of all at block 1b."),
    ],
)
def test_how_often_two_seeds_are_below_decides_what_being_below_is_worth(below, course):
    turned = np.array(RISING)[::-1, ::-1]
    answer = message(explanation([RISING, RISING]), explanation([RISING, turned]), band=band(0.5, 1.0, below))
    within = "**No more different than luck makes two trainings** on 8 of 10 test pictures. "
    assert f"{within}All layers together: below luck {course}" in said(answer["stops"][0])
    beyond = "**More different than luck makes two trainings** on 9 of 10 test pictures. "
    assert f"{beyond}All layers together: below luck {course}" in said(answer["stops"][1])


def test_without_a_second_seed_there_is_no_yardstick():
    answer = message(explanation([RISING]), explanation([RISING]))
    assert agreement_of(answer["stops"][0])["band"] is None
    assert "**How much of that is luck is not known**" in said(answer["stops"][0])
    assert answer["models"][1]["yardstick"]["luck"] == ""


# --- experiments and yardsticks ---------------------------------------------------------------------------------------


def test_experiments_need_both_checkpoints_and_survive_broken_entries(tmp_path):
    entries = [
        {"id": "a", "title": "A", "question": "?", "left": "x", "right": "y"},
        {"id": "b", "title": "B", "question": "?", "left": "x", "right": "missing"},
        {"id": "c"},
        7,
        {"id": "d", "title": "D", "question": "?", "left": "x", "right": "x2"},
        {"id": "e", "title": "E", "question": "?", "left": ["x"], "right": "y"},
        {"id": "earlier", "title": "S", "question": "?", "left": "x", "right": "y", "seeds": True},
        ["id"],
        "id",
        {"id": "f", "title": None, "question": "?", "left": "x", "right": "y"},
        {"id": "g", "title": "G", "question": "?", "left": "x", "right": "y", "more": "no"},
        {"id": "row", "models": ["x", "x2", "y"], "examples": ["cow"]},
        {"id": "gone", "models": ["x", "x2", "missing"]},
        {"id": "single", "models": ["x"]},
        {"id": "seven", "models": ["x", "y"] * 3 + ["x2"]},
        {"id": "text", "models": "xy"},
        {"id": "odd", "models": ["x", "y"], "examples": "cow"},
        {"id": "odder", "models": ["x", "y"], "examples": [3]},
    ]
    path = tmp_path / "experiments.json"
    path.write_text(json.dumps(entries))
    experiments = read_experiments(path, ["x", "x2", "y"])
    assert [experiment.id for experiment in experiments] == ["a", "d", "earlier", "row"]
    assert (experiments[0].models, experiments[0].examples) == (("x", "y"), ())
    assert (experiments[3].models, experiments[3].examples) == (("x", "x2", "y"), ("cow",))
    path.write_text("{")
    assert read_experiments(path, ["x"]) == []
    assert read_experiments(tmp_path / "none.json", ["x"]) == []


def test_the_shipped_experiments_are_well_formed():
    entries = json.loads((ROOT / "weights/experiments.json").read_text())
    ids = {model_id for entry in entries for model_id in entry["models"]}
    experiments = read_experiments(ROOT / "weights/experiments.json", ids)
    assert len(experiments) == len(entries)
    assert experiments[0].models == ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
    known = {path.stem for path in (ROOT / "examples").glob("*.jpg")}
    assert all(set(experiment.examples) <= known for experiment in experiments)


IDS = [
    "cats-dogs-effnet-sgd",
    "cats-dogs-effnet-sgd-seed2",
    "cats-dogs-effnet-adam",
    "cats-dogs-effnet-adam-seed2",
]


def cards(*ids: str, **digests: str) -> dict[str, Card]:
    """Cards of trainings whose recipe is what their ids begin with."""
    return {
        model_id: Card(
            model_id=model_id,
            title=model_id,
            description="?",
            classes=("Cat", "Dog"),
            input_size=(9, 9),
            recipe={"seed": place, "model": {"name": model_id.removesuffix("-seed2")}},
            digests=Digests(model=digests.get(f"model{place}", "a")),
        )
        for place, model_id in enumerate(ids)
    }


def agreement(store: Store, left: str, right: str, stops: list, digest: str = "a", **more: object) -> None:
    sides = {side: {"id": model_id, "model": digest} for side, model_id in (("left", left), ("right", right))}
    store.write_pair(sides | {"agreement": {"gradcam": {"n": 900, "stops": stops, **more}}}, {})


def test_of_two_yardsticks_the_wider_counts_at_every_depth(tmp_path):
    store, known = Store(tmp_path), cards(*IDS, "cats-dogs-vgg16-high")
    pair = ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
    ends = [(0.0, [0.1, 0.2, 0.3]), (1.0, [0.5, 0.6, 0.7])]
    agreement(store, *pair, [{"depth": d, "rank": [-1, -1, -1], "overlap": p} for d, p in ends])
    agreement(store, IDS[0], IDS[1], [{"depth": d, "rank": p, "overlap": p} for d, p in ends], below=0.2)
    assert yardstick(pair, "gradcam", store, known) is None  # nothing is known of Adam's luck
    agreement(store, IDS[2], IDS[3], [{"depth": d, "rank": [0.2, 0.4, 0.6], "overlap": p} for d, p in ends], below=0.3)
    merged = yardstick(pair, "gradcam", store, known)
    assert merged.at(0.0)["rank"] == pytest.approx([0.1, 0.3, 0.6])
    assert merged.at(1.0)["rank"] == pytest.approx([0.2, 0.5, 0.7])
    assert (merged.n, merged.below, merged.pairs) == (900, 0.3, 2)
    assert "the widest of 2 such pairs" in view_message.legend(merged.along([]), WORDS, "photos")["text"]
    depths = [0.0, 0.3, 1.0]
    told = merged.along(iter(depths))["bands"]
    assert [band["rank"] for band in told] == [pytest.approx(merged.at(depth)["rank"].tolist()) for depth in depths]
    assert json.dumps(told)
    # the seeds themselves are measured by their own band alone
    measured = yardstick((IDS[0], IDS[1]), "gradcam", store, known)
    assert measured.at(0.0)["rank"] == pytest.approx([0.1, 0.2, 0.3])
    assert measured.at(0.5)["rank"] == pytest.approx([0.3, 0.4, 0.5])
    assert (measured.below, measured.pairs) == (0.2, 1)
    # a pair across families has no yardstick: one side's luck says nothing of the other's
    assert yardstick((IDS[0], "cats-dogs-vgg16-high"), "gradcam", store, known) is None


def test_whose_luck_a_pair_measures_the_cards_say(tmp_path):
    store, known = Store(tmp_path), cards(*IDS)
    agreement(store, IDS[0], IDS[1], [{"depth": 0.0, "rank": [0.1, 0.2, 0.3], "overlap": [0.1, 0.2, 0.3]}])
    assert yardstick((IDS[0], IDS[1]), "gradcam", store, known)
    other = replace(known[IDS[1]], recipe={"seed": 1, "model": {"name": "another"}})
    assert yardstick((IDS[0], IDS[1]), "gradcam", store, known | {IDS[1]: other}) is None
    unsaid = replace(known[IDS[1]], recipe=None)
    assert yardstick((IDS[0], IDS[1]), "gradcam", store, known | {IDS[1]: unsaid}) is None


def test_a_training_that_is_not_shipped_measures_luck_too(tmp_path):
    store, known = Store(tmp_path), cards(IDS[0], IDS[2])
    stops = [{"depth": 0.0, "rank": [0.1, 0.2, 0.3], "overlap": [0.1, 0.2, 0.3]}]
    for name in ("sgd", "adam"):
        for seed in (3, 4):
            recipe = {"seed": seed, "model": {"name": f"cats-dogs-effnet-{name}"}}
            store.write_model({"id": f"{name}-{seed}", "model": "a", "recipe": recipe}, {})
        agreement(store, f"{name}-3", f"{name}-4", stops)
    assert yardstick((IDS[0], IDS[2]), "gradcam", store, known).pairs == 2


def test_a_band_of_a_checkpoint_that_was_trained_anew_since_is_none(tmp_path):
    store, pair = Store(tmp_path), (IDS[0], IDS[1])
    agreement(store, *pair, [{"depth": 0.0, "rank": [0.1, 0.2, 0.3], "overlap": [0.1, 0.2, 0.3]}])
    assert yardstick(pair, "gradcam", store, cards(*pair)).n == 900
    assert yardstick(pair, "gradcam", store, cards(*pair, model1="c")) is None


def test_a_missing_rule_or_a_broken_file_is_no_yardstick(tmp_path):
    store, pair = Store(tmp_path), (IDS[0], IDS[1])
    assert yardstick(pair, "gradcam", store, cards(*pair)) is None
    agreement(store, *pair, [{"depth": 0.0, "rank": None, "overlap": None}])
    assert yardstick(pair, "hirescam", store, cards(*pair)) is None
    assert yardstick(pair, "gradcam", store, cards(*pair)) is None  # no stop has numbers
    for broken in ('{"agreement": {"gradcam": {"stops": [{"rank": [1]}]}}}', '{"agreement": 1}', "[]", "{"):
        (store.pair(*pair) / "comparison.json").write_text(broken)
        assert yardstick(pair, "gradcam", store, cards(*pair)) is None


# --- texts and catalog ------------------------------------------------------------------------------------------------


def test_templates_hold_nothing_that_gradio_would_execute():
    assert not re.search(r"\$\{|\{\{|`|\\", template())


def test_the_browser_gets_matplotlibs_colours():
    from matplotlib import colormaps

    contents = catalog(Service(ROOT / "nothing-here"))
    assert [entry["name"] for entry in contents["colours"]] == list(PageTexts()["colours"])
    for entry in contents["colours"]:
        table = np.frombuffer(base64.b64decode(entry["table"]), np.uint8).reshape(256, 3)
        assert np.abs(table / 255 - colormaps[entry["name"]](np.arange(256))[:, :3]).max() < 1 / 255
    diverging = np.frombuffer(base64.b64decode(contents["diverging"]), np.uint8).reshape(255, 3)
    assert diverging[-1, 0] > diverging[-1, 2]  # red: more on the left
    assert diverging[0, 2] > diverging[0, 0]  # blue: more on the right
    assert diverging[127].min() > 240


def test_without_checkpoints_the_page_says_how_to_get_some():
    contents = catalog(Service(ROOT / "nothing-here"))
    assert (contents["models"], contents["start"]) == ([], None)
    assert "python -m training run cats-dogs-effnet-sgd" in contents["commands"]


def test_examples_are_a_closed_list_with_their_names():
    contents = catalog(Service(ROOT / "nothing-here"))
    assert {entry["id"] for entry in contents["examples"]} == {path.stem for path in (ROOT / "examples").glob("*.jpg")}
    assert contents["examples"][0]["title"] == "German shepherd"
    assert sum(entry["large"] is not None for entry in contents["examples"]) == 3


# --- the service ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(weights, evidence):
    checkpoints._kept.clear()
    service = Service(weights, evidence)
    service.load()
    assert service.problem == ""
    return service


def red(size: tuple[int, int] = (60, 80)) -> Picture:
    pixels = np.full((*size, 3), 20, np.uint8)
    pixels[: size[0] // 2, : size[1] // 2] = (255, 0, 0)
    return Picture(pixels)


def test_a_broken_folder_is_told_and_the_others_load(service):
    judges = {"judge-mild", "judge-mild-seed2", "judge-steep", "judge-steep-seed2", "judge-biased", "judge-three"}
    assert set(service.cards) == judges
    assert [folder for folder, _ in service.problems] == ["broken"]
    assert service.state()["loaded"] == ["judge-mild", "judge-steep"]


def test_an_ensemble_is_asked_like_any_other_model(weights, evidence, tmp_path):
    for folder in weights.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    card = BARE | {"id": "both", "title": "Both", "input": [48, 48], "members": ["judge-mild", "judge-steep"]}
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "card.json").write_text(json.dumps(card))
    service = Service(tmp_path, evidence)
    service._ready.set()
    answer = service.answer(red(), ["both", "judge-biased"], target="Cat")
    assert {"both", "judge-mild", "judge-steep", "judge-biased"} == set(answer["loaded"])
    both, biased = answer["models"]
    assert both["title"] == "Both"
    alone = [shares_of(service.answer(red(), [name, "judge-biased"]))[0]["Cat"] for name in card["members"]]
    assert shares_of(answer)[0]["Cat"] == pytest.approx(sum(alone) / 2, abs=1e-6)
    assert [layer["address"] for layer in both["layers"]] == [layer["address"] for layer in biased["layers"]]
    assert all(layer["features"] is layer["dead"] is None for layer in both["layers"])
    assert both["layers"][-1]["map"]["max"] > 1  # a density
    assert json.dumps(answer, allow_nan=False)
    assert service.checked(["both", "judge-mild"], "gradcam", "Dog")


PAIR = ["judge-mild", "judge-steep"]


def test_two_small_models_look_at_a_red_corner(service):
    answer = service.answer(red(), PAIR)
    for model in answer["models"]:
        assert model["target"] == "Cat"
        assert [bar["name"] for bar in model["bars"]] == ["Cat", "Dog"]
        assert [layer["shape"] for layer in model["layers"]] == [[24, 24, 8], [12, 12, 8], [6, 6, 8]]
        heat = unpacked(model["layers"][-1]["map"])[0]
        assert heat[:3, :3].min() > 200  # the red quarter
        assert heat[:3, 3:].max() < 30
    last = agreement_of(answer["stops"][-1])
    assert math.isclose(last["rank"], 1, abs_tol=0.05)
    assert last["band"]["rank"] == pytest.approx([0.2, 0.5, 0.8])
    assert agreement_of(service.answer(red(), PAIR, target="Cat")["stops"][-1])["band"] is not None
    other = service.answer(red(), PAIR, target="Dog")
    assert agreement_of(other["stops"][-1])["band"] is None  # the likelier class stands in for the true one
    assert "agree on such maps is not measured" in other["models"][1]["yardstick"]["text"]


@pytest.mark.parametrize("shows", ["Cat", "Dog"])
@pytest.mark.parametrize("target", ["Cat", "Dog"])
def test_where_the_true_class_is_known_its_maps_have_the_yardstick(service, shows, target):
    answer = service.answer(red(), PAIR, target=target, shows=shows)  # both say cat
    assert (agreement_of(answer["stops"][-1])["band"] is not None) == (shows == target)


@pytest.mark.parametrize("shows", ["cattle", None])
@pytest.mark.parametrize("target", ["own", "Dog"])
def test_a_picture_of_no_class_is_outside_of_the_yardstick(service, shows, target):
    answer = service.answer(red(), PAIR, target=target, shows=shows)
    assert agreement_of(answer["stops"][-1])["band"] is None
    assert "this picture is none of those" in answer["models"][1]["yardstick"]["text"]
    never = service.answer(red(), ["judge-mild", "judge-biased"], target="Dog", shows=shows)
    assert "is not measured" in never["models"][1]["yardstick"]["text"]


def test_an_asked_class_is_explained_by_all(service):
    answer = service.answer(red(), PAIR, "layercam", "Dog")
    assert ([model["target"] for model in answer["models"]], answer["rule"]) == (["Dog", "Dog"], "layercam")
    assert agreement_of(answer["stops"][-1])["band"] is None  # no second seed was measured by this rule


DISAGREE = ["judge-mild", "judge-biased"]  # on a red corner: the one says cat, the other dog


def test_each_model_explains_its_own_answer(service):
    answer = service.answer(red(), DISAGREE)
    mild, biased = shares_of(answer)
    assert mild["Cat"] > 0.5
    assert biased["Dog"] > 0.5
    told = [model["evidence"]["text"] for model in answer["models"]]
    assert told == ["its own answer: evidence for **cat**", "its own answer: evidence for **dog**"]
    assert answer["cost"]["passes"] == 4
    for model, alone in zip(answer["models"], DISAGREE, strict=True):
        same = service.answer(red(), [alone, alone])["models"][0]
        assert [layer["map"] for layer in model["layers"]] == [layer["map"] for layer in same["layers"]]
    assert all(agreement_of(stop)["difference"] is agreement_of(stop)["band"] is None for stop in answer["stops"])


def test_common_means_one_class_for_all(service):
    answer = service.answer(red(), DISAGREE, target="common")
    mild, biased = shares_of(answer)
    assert biased["Dog"] > mild["Cat"]  # more surely, so the mean says dog
    assert answer["target"] == {
        "asked": "common",
        "options": ["Cat", "Dog"],
        "common": "Dog",
        "text": "explained: Dog",
        "why_not": "",
    }
    assert [model["target"] for model in answer["models"]] == ["Dog", "Dog"]
    assert answer["cost"]["passes"] == 6  # one of them was asked twice
    red_corner = unpacked(answer["models"][0]["layers"][-1]["map"])[0, :2, :2]
    assert not red_corner.any()  # what speaks for cat is no reason for dog
    assert "They disagree" in said(answer["stops"][0])
    told = [model["evidence"]["text"] for model in answer["models"]]
    assert told == ["evidence for **dog**; it says cat", "evidence for **dog**"]


def test_where_all_say_the_same_their_own_answer_is_the_common_one(service):
    own_answers, common = (service.answer(red(), PAIR, target=target) for target in ("own", "common"))
    assert own_answers["stops"] == common["stops"]
    assert [model["layers"] for model in own_answers["models"]] == [model["layers"] for model in common["models"]]


def test_a_model_agrees_with_itself(service):
    answer = service.answer(red(), ["judge-mild", "judge-mild"])
    assert [model["name"] for model in answer["models"]] == ["model 1", "model 2"]
    for stop in answer["stops"]:
        assert agreement_of(stop)["rank"] == pytest.approx(1)
        assert not unpacked(agreement_of(stop)["difference"], np.int8).any()


def known(explanation: Explanation, *classes: str, target: int = 0) -> Explanation:
    """The same of a model that tells these apart, and is surest of the target."""
    share = np.full((1, len(classes)), 0.1, np.float32)
    share[0, target] = 0.8
    return replace(explanation, classes=classes, probabilities=share, targets=np.array([target]))


def test_models_of_different_classes_are_no_disagreement():
    other = known(explanation([RISING]), *(f"thing {k}" for k in range(9)), target=4)
    answer = message(explanation([RISING]), other, band=band(0.5, 1.0), rates=(0.9, 0.8), truth="thing 4")
    text = said(answer["stops"][0])
    assert text.startswith("They know **different classes**: SGD says **dog** (90 % sure), Adam **thing 4** (80 %).")
    assert "disagree" not in text
    assert "at least" not in text  # measured on pictures of different classes
    assert [model["alike"] for model in answer["models"]] == [True, False]
    assert [model["classes"] for model in answer["models"]] == [2, 9]
    assert answer["target"]["options"] == []
    assert answer["target"]["common"] is None
    assert agreement_of(answer["stops"][0])["difference"] is None
    assert agreement_of(answer["stops"][0])["band"] is None
    assert "no number" in answer["models"][1]["yardstick"]["text"]
    assert [model["evidence"]["tone"] for model in answer["models"]] == ["", "warn"]
    assert [bar["name"] for bar in answer["models"][0]["bars"]] == ["Dog", "Cat"]
    first = answer["models"][1]["bars"][0]
    assert (first["name"], first["share"], first["right"]) == ("thing 4", pytest.approx(0.8), True)
    assert [model["truth"] and model["truth"]["tone"] for model in answer["models"]] == [None, "first"]
    outside = message(explanation([RISING]), other, belongs=False)
    assert "none of" not in said(outside["stops"][0])  # of which of the two?


def test_a_class_that_both_know_by_name_can_be_held_against_each_other():
    other = known(explanation([RISING]), "Dog", "Cow", "Hen")
    answer = message(explanation([RISING]), other, asked="Dog")
    assert answer["target"]["options"] == ["Dog"]
    assert answer["target"]["text"] == "explained: Dog"
    assert answer["models"][1]["alike"]
    assert agreement_of(answer["stops"][0])["difference"] is not None
    assert said(answer["stops"][0]).startswith("Both say **dog**: SGD")
    cow = known(explanation([RISING]), "Dog", "Cow", "Hen", target=1)
    asked = message(explanation([RISING]), replace(cow, targets=np.array([0])), asked="Dog")
    assert "the class that was asked about" in said(asked["stops"][0])


def test_numbers_of_different_models_are_different_classes():
    first, second = known(explanation([RISING]), "0", "1"), known(explanation([RISING]), "0", "1", "2")
    text = said(message(first, second)["stops"][0])
    assert text.startswith("They know **different classes**: SGD says **0** (80 % sure), Adam **0** (80 %).")
    row = message(first, second, known(explanation([RISING]), "0", "1", "2", "3"))
    assert said(row["stops"][0]).startswith("They know **different classes**. **0**: SGD (80 %). **0**: Adam (80 %).")
    assert "with one class for all" not in said(row["stops"][0])


def test_the_service_lays_models_of_different_classes_side_by_side(service):
    answer = service.answer(red(), ["judge-mild", "judge-three", "judge-mild"], shows="Cat")
    assert [model["target"] for model in answer["models"]] == ["Cat", "Red", "Cat"]
    assert [model["alike"] for model in answer["models"]] == [True, False, True]
    assert [model["yardstick"] and bool(model["yardstick"]["luck"]) for model in answer["models"]] == [
        None,
        False,
        False,
    ]


def test_three_checkpoints_in_one_answer(service):
    ids = [*PAIR, "judge-biased"]
    answer = service.answer(red(), ids, target="Cat")
    assert [model["id"] for model in answer["models"]] == ids
    assert answer["cost"]["passes"] == 6
    pair = service.answer(red(), PAIR, target="Cat")
    assert [stop["versus"][1] for stop in answer["stops"]] == [agreement_of(stop) for stop in pair["stops"]]
    assert [model["yardstick"] and model["yardstick"]["text"].startswith("Grey") for model in answer["models"]] == [
        None,
        True,
        False,  # luck was not measured for the biased one
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((["nobody", "judge-steep"],), "unknown_model"),
        ((["../judge-mild", "judge-steep"],), "unknown_model"),
        ((["broken", "judge-steep"],), "unknown_model"),
        (([["judge-mild"], "judge-steep"],), "unknown_model"),
        ((["judge-mild", None],), "unknown_model"),
        ((["judge-mild"],), "model_count"),
        ((["judge-mild"] * 7,), "model_count"),
        (([],), "model_count"),
        ((None,), "model_count"),
        (("judge-mild",), "model_count"),
        (({"judge-mild": 1, "judge-steep": 2},), "model_count"),
        ((PAIR, "nothing"), "unknown_rule"),
        ((PAIR, {}), "unknown_rule"),
        ((PAIR, "gradcam", "Bird"), "unknown_target"),
        ((PAIR, "gradcam", 0), "unknown_target"),
        ((PAIR, "gradcam", "predicted"), "unknown_target"),
        ((["judge-mild", "judge-three"], "gradcam", "common"), "other_classes"),
        ((["judge-mild", "judge-three"], "gradcam", "Cat"), "unknown_target"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_sentence(service, arguments, code):
    with pytest.raises(Refused) as error:
        service.answer(red(), *arguments)
    assert error.value.code == code
    assert "\n" not in str(error.value)


ASKED = {"ask": 7, "models": PAIR, "rule": "gradcam", "target": "own"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (None, "model_count"),
        (["ask"], "model_count"),
        (ASKED, "no_picture"),
        (ASKED | {"example": "../README"}, "unknown_example"),
        (ASKED | {"example": 3}, "unknown_example"),
        (ASKED | {"upload": str(ROOT / "examples/cat-yarn.jpg")}, "not_uploaded"),
        (ASKED | {"upload": {"path": "x"}}, "not_uploaded"),
        (ASKED | {"upload": "a\0b"}, "not_uploaded"),
        (ASKED | {"upload": "relative.png"}, "not_uploaded"),
        (ASKED | {"upload": "http://127.0.0.1/x.png"}, "not_uploaded"),
    ],
)
def test_the_browsers_question_may_be_anything(service, asked, code):
    answer = service.ask(asked)
    assert (answer["kind"], answer["code"]) == ("error", code)
    assert answer["ask"] == (7 if isinstance(asked, dict) else None)


@pytest.mark.parametrize("number", [-1, 2**53, 10**400, True, 1.5, "7"])
def test_a_number_that_json_or_the_browser_cannot_carry_does_not_come_back(service, number):
    answer = service.ask(ASKED | {"ask": number})
    assert (answer["code"], answer["ask"]) == ("no_picture", None)


def test_errors_of_the_library_are_said_in_the_pages_words(service, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "photo.png").write_bytes(b"hello")
    asked = ASKED | {"upload": str(tmp_path / "photo.png")}
    assert "holds text" in service.ask(asked)["sentence"]  # the library's own
    monkeypatch.setitem(service.texts["errors"], "picture.text", "Das ist Text.")
    assert service.ask(asked)["sentence"] == "Das ist Text."


def test_uploads_are_read_and_links_out_of_the_folder_are_not(service, tmp_path, monkeypatch):
    inside, outside = tmp_path / "uploads", tmp_path / "outside.png"
    (inside / "a").mkdir(parents=True)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(inside))
    Image.fromarray(red().pixels).save(outside)
    Image.fromarray(red().pixels).save(inside / "a" / "photo.png")
    (inside / "a" / "link.png").symlink_to(outside)
    assert service.ask(ASKED | {"upload": str(inside / "a" / "photo.png")})["kind"] == "result"
    codes = {
        "link.png": "not_uploaded",
        "../../outside.png": "not_uploaded",
        "deleted.png": "gone",
        "": "gone",  # the folder itself
    }
    for name, code in codes.items():
        assert service.ask(ASKED | {"upload": f"{inside}/a/{name}"})["code"] == code
    assert service.ask(ASKED | {"upload": str(inside)})["code"] == "not_uploaded"


@pytest.fixture(scope="module")
def odd(weights, evidence, tmp_path_factory):
    """The page with checkpoints whose files are in order and that cannot be explained, and an ensemble of such."""
    folder = tmp_path_factory.mktemp("odd")
    shutil.copytree(weights / "judge-mild", folder / "judge-mild")
    for code, model in unexplained().items():
        ship(folder, code, f"Odd {code}", model)
    card = json.loads((folder / "head" / "card.json").read_text())
    card |= {"id": "mean", "title": "Odd mean", "members": ["judge-mild", "head"], "digests": {}}
    (folder / "mean").mkdir()
    (folder / "mean" / "card.json").write_text(json.dumps(card))
    service = Service(folder, evidence)
    service.load()
    return service


@pytest.mark.parametrize("model_id", [*UNEXPLAINED, "mean"])
def test_a_model_that_cannot_be_explained_is_refused_with_its_reason(odd, model_id):
    assert odd.problems == []
    answer = odd.ask(ASKED | {"models": ["judge-mild", model_id], "example": "cat-yarn"})
    assert (answer["kind"], answer["code"]) == ("error", "not_explained")
    title, _, reason = answer["sentence"].partition(" cannot be explained: ")
    assert title == f"Odd {model_id}"
    assert reason.endswith(".")
    assert "head=" not in reason  # no visitor can say that
    assert odd.ask(ASKED | {"models": ["judge-mild", "judge-mild"], "example": "cat-yarn"})["kind"] == "result"


def test_a_failure_inside_is_one_sentence_without_its_reason(service, monkeypatch):
    def fails(*_):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(service, "answer", fails)
    answer = service.ask(ASKED | {"example": "cat-yarn"})
    assert answer["code"] == "internal"
    assert "secret" not in json.dumps(answer)


@pytest.mark.slow
def test_shipped_checkpoints_know_the_examples():
    shipped = Service()
    if not {"cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"} <= set(shipped.cards):
        pytest.skip("the checkpoints are not there")
    shipped.load()
    for example_id, name in (("dog-shepherd", "Dog"), ("cat-yarn", "Cat"), ("cat-chelsea", "Cat")):
        for model in shipped.answer(shipped.example(example_id), shipped.start)["models"]:
            assert model["bars"][0]["name"] == name
            assert model["bars"][0]["share"] > 0.5


def test_every_shipped_experiment_has_a_picture_of_these_very_models():
    shipped = Service()
    missing = [each.id for each in shipped.experiments if not previews.file_of(shipped, each).is_file()]
    assert missing == [], "python -m page.previews"
    left = {path.name for path in (ROOT / "examples/previews").glob("*.webp")}
    if len(shipped.experiments) == len(json.loads((ROOT / "weights/experiments.json").read_text())):
        assert left == {previews.file_of(shipped, each).name for each in shipped.experiments}


def test_of_how_many_pictures_the_two_disagree_is_counted():
    shipped = Service()
    if not {"cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"} <= set(shipped.cards):
        pytest.skip("the checkpoints are not there")
    tables = [shipped.findings.predictions(model_id) for model_id in shipped.start]
    first, second = (dict(zip(each["identities"], each["probabilities"].argmax(1), strict=True)) for each in tables)
    count = sum(first[identity] != second[identity] for identity in first)
    sentence = f"The two give different answers to {count} of {len(first):,} test photos."
    assert shipped.rarely()["sgd-adam"] == sentence
