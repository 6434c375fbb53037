"""From explanations to the page's message: packing, words, yardsticks."""

import base64
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explain import checkpoints
from explain.align import compare
from explain.cards import Card, Digests, Figures
from explain.explanation import Cost, Explanation, Features, Layer
from explain.pictures import Picture
from explain.view import message as view_message
from explain.view.message import Side
from explain.view.words import Names, Words
from page import texts
from page.experiments import Yardstick, outdated, read_experiments, seeds_of, yardstick
from page.layout import SCRIPTS, catalog, template
from page.service import Refused, Service

pytest_plugins = ["page_fixtures"]
ROOT = Path(__file__).parent.parent
WORDS = Words()
NAMES = Names("SGD", "Adam")
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


def message(
    left: Explanation, right: Explanation, asked: str = "predicted", band: Yardstick | None = None, **more: object
) -> dict:
    sides = Side(CARD, left), Side(OTHER, right)
    picture = Picture(np.full((30, 40, 3), 100, np.uint8), ("shrunk",))
    compared = compare(left, right)
    along = band and band.along(stop.depth for stop in compared.stops)
    return view_message.message(picture, *sides, compared, asked, along, **more)


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
    assert (packed["channels"], packed["importance"]) == ([1, 0], [0.5, 0.25])
    assert (packed["low"], packed["high"]) == ([0, -4], [4, 0])


def test_large_feature_maps_are_averaged_down_to_48_pixels():
    maps = np.zeros((1, 96, 64, 1), np.float32)
    maps[0, 0, 0, 0] = 8.0
    packed = view_message.packed_features(Features(np.zeros((1, 1), int), np.ones((1, 1)), maps, *np.ones((2, 1, 1))))
    assert packed["size"] == [48, 32]
    assert packed["high"] == [2.0]  # one of four pixels
    assert unpacked(packed)[0, 0, 0] == 255
    assert unpacked(packed).sum() == 255


def test_differences_are_signed_and_stand_on_one_scale_for_all_depths():
    even = [[1.0, 1.0], [1.0, 1.001]]
    # densities less 1: at the left column 1 and -1; in one corner of sixteen 15, beyond the scale, and -1
    corner = np.zeros((4, 4))
    corner[0, 0] = 1
    found = message(explanation([[[2.0, 0.0], [2.0, 0.0]], corner]), explanation([even, even]))
    first, second = (stop["difference"] for stop in found["stops"])
    assert first["limit"] == second["limit"] == 3
    assert unpacked(first, np.int8).tolist() == [[[42, -42], [42, -42]]]
    assert unpacked(second, np.int8)[0, 0].tolist() == [127, -42, -42, -42]


def test_nearly_equal_maps_have_a_faint_difference():
    found = message(explanation([RISING]), explanation([[[0.0, 1.0], [2.0, 4.1]]]))
    assert np.abs(unpacked(found["stops"][0]["difference"], np.int8)).max() == 1


def test_a_map_of_tiny_values_is_not_lost():
    packed = view_message.packed_map(np.array([[0, 1], [2, 4]], np.float32) * 1e-40)
    assert unpacked(packed).tolist() == [[[0, 64], [128, 255]]]


def test_the_shown_picture_is_at_most_1024_pixels_and_keeps_its_shape():
    found = view_message.shown(Picture(np.zeros((600, 3000, 3), np.uint8), ("first-frame", "shrunk")), WORDS)
    assert (found["width"], found["height"]) == (1024, 205)
    assert len(found["notes"]) == 2
    with Image.open(io.BytesIO(base64.b64decode(found["src"].split(",")[1]))) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 205))


def test_what_the_models_saw_is_exact():
    found = message(explanation([RISING]), explanation([RISING]))
    assert list(found["saw"]) == ["8x8"]
    with Image.open(io.BytesIO(base64.b64decode(found["saw"]["8x8"].split(",")[1]))) as image:
        assert np.array_equal(np.asarray(image), np.full((8, 8, 3), 100))


def test_the_message_is_json_with_finite_numbers_alone():
    found = message(explanation([RISING, np.zeros((2, 2))]), explanation([RISING, RISING]))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["left"], found["right"], found["rule"]) == ("one", "two", "gradcam")
    assert found["cost"] == {"passes": 4, "explain": 40.0}
    assert found["stops"][1]["rank"] is None
    assert found["stops"][1]["difference"] is None


def test_models_of_different_depth_share_every_stop():
    found = message(explanation([RISING, RISING]), explanation([RISING] * 4))
    assert [(stop["left"], stop["right"]) for stop in found["stops"]][::3] == [(0, 0), (1, 3)]
    for stop in found["stops"]:
        assert stop["left"] < len(found["sides"]["left"]["layers"])
        assert stop["right"] < len(found["sides"]["right"]["layers"])


def test_bars_stand_in_one_order_on_both_sides():
    found = message(explanation([RISING], dog=0.9), explanation([RISING], dog=0.3))
    assert [bar["name"] for bar in found["sides"]["left"]["bars"]] == ["Dog", "Cat"]
    assert [bar["name"] for bar in found["sides"]["right"]["bars"]] == ["Dog", "Cat"]
    assert [plain(bar["text"]) for bar in found["sides"]["right"]["bars"]] == ["30 %", "70 %"]


def test_a_side_tells_what_its_card_tells():
    found = message(explanation([RISING]), explanation([RISING]))
    left, right = found["sides"]["left"], found["sides"]["right"]
    assert left["detail"] == "EfficientNet-Lite0 · 3.4 M weights · 8 × 8 px"
    assert plain(left["accuracy"]) == "98.8 % ± 0.3"
    assert (right["accuracy"], right["accuracy_title"]) == ("", "")


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
    found = message(explanation([RISING], dog=1.0), explanation([RISING], dog=1.0))
    assert [plain(bar["text"]) for bar in found["sides"]["left"]["bars"]] == ["> 99.9 %", "< 0.1 %"]
    assert "(> 99.9 % and > 99.9 %)" in said(found["stops"][0])


@pytest.mark.parametrize(
    ("left", "right", "called"),
    [
        ("Net, SGD", "Net, Adam", ("SGD", "Adam")),
        ("Net, SGD", "Net, SGD, seed 2", ("SGD", "SGD, seed 2")),
        ("Net", "Other", ("Net", "Other")),
        ("Net", "Net", ("the left model", "the right model")),
    ],
)
def test_sides_are_called_by_what_differs(left, right, called):
    assert WORDS.names(left, right) == called


def test_layers_get_short_names_unless_two_would_be_alike():
    addresses = ["stem_activation", "net/block2b_add", "top_activation"]
    assert WORDS.layer_names(addresses) == ["stem", "block 2b", "last features"]
    assert WORDS.layer_names(["a/conv_add", "b/conv_bn"]) == ["a/conv_add", "b/conv_bn"]


def test_the_same_answer_alike_sure():
    found = message(explanation([RISING], dog=0.97), explanation([RISING], dog=0.95))
    assert said(found["stops"][0]).startswith("Both say **dog** (97 % and 95 %).")


def test_the_same_answer_one_less_sure():
    told = WORDS.verdict([explanation([RISING], dog=0.97), explanation([RISING], dog=0.73)], "predicted", "Dog", NAMES)
    assert [plain(text) for text in told] == ["Both say **dog**; Adam is less sure (73 %, SGD 97 %)."]


def test_a_disagreement_names_the_common_class():
    found = message(explanation([RISING], dog=0.9), explanation([RISING], dog=0.3))
    text = said(found["stops"][0])
    assert "They disagree: SGD says **dog** (90 %), Adam **cat** (70 %)." in text
    assert "Both maps explain **dog**" in text
    assert "Both maps explain" not in said(
        message(explanation([RISING], dog=0.9), explanation([RISING], dog=0.3), asked="Dog")["stops"][0]
    )


def test_where_the_heat_peaks_and_how_wide_it_is():
    narrow, wide = np.zeros((8, 8)), np.ones((8, 8)) * 0.1
    narrow[1, 1], wide[1, 1:5] = 1.0, 1.0
    together = said(message(explanation([narrow]), explanation([wide]))["stops"][0])
    assert "peaks **within a cell of the same place**, but Adam's spreads over **4.0 ×** the area" in together
    apart = said(message(explanation([narrow]), explanation([narrow[::-1]]))["stops"][0])
    assert "peaks at **different places** and spreads over about as much of the picture (2 % and 2 %)" in apart


def test_a_zero_map_is_said_to_be_zero():
    some, none = explanation([RISING]), explanation([np.zeros((2, 2))])
    assert "Adam's map is **zero everywhere** here" in said(message(some, none)["stops"][0])
    assert "Both maps are **zero everywhere** here" in said(message(none, none)["stops"][0])


def test_maps_that_are_the_same_everywhere_have_no_peak():
    some, flat = explanation([RISING]), explanation([np.ones((2, 2))])
    assert "Adam has no peak here: its map is the same everywhere." in said(message(some, flat)["stops"][0])
    assert "Neither has a peak here: both maps are the same everywhere." in said(message(flat, flat)["stops"][0])


def test_dead_channels_are_a_warning():
    found = message(explanation([RISING]), explanation([RISING], dead=0.04))
    assert found["stops"][0]["words"][-1]["tone"] == "warn"
    assert said(found["stops"][0]).endswith("Channels dead here: 0 % SGD, 4 % Adam.")
    assert all(one["tone"] == "" for one in message(explanation([RISING]), explanation([RISING]))["stops"][0]["words"])


def band(low: float, high: float, below: float | None = None) -> Yardstick:
    edges = np.array([[low, (low + high) / 2, high]] * 2)
    return Yardstick(1000, np.array([0.0, 1.0]), edges, edges, below)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (
            0.5,
            1.0,
            "**as two seeds do** on 8 of 10 {photos} (1.00; seeds 0.50 to 1.00). Below the seeds' band nowhere.",
        ),
        (0.1, 0.2, "**more than two seeds do** on 9 of 10 {photos} (1.00; seeds 0.10 to 0.20). Below"),
    ],
)
def test_agreement_is_measured_by_two_seeds(low, high, text):
    found = message(explanation([RISING]), explanation([RISING]), band=band(low, high))
    assert f"They agree here {text.format(photos='pictures of the test split')}" in said(found["stops"][0])
    assert found["stops"][0]["band"]["rank"] == [low, (low + high) / 2, high]


@pytest.mark.parametrize(
    ("below", "course"),
    [
        (0.4, "at 1 of 2 depths, **more than two seeds are** on 9 of 10 of those; most of all at block 1b."),
        (0.5, "at 1 of 2 depths, no more than luck there."),
        (None, "at 1 of 2 depths, most of all at block 1b."),
    ],
)
def test_how_often_two_seeds_are_below_decides_what_being_below_is_worth(below, course):
    turned = np.array(RISING)[::-1, ::-1]
    found = message(explanation([RISING, RISING]), explanation([RISING, turned]), band=band(0.5, 1.0, below))
    here = "They agree here **as two seeds do** on 8 of 10 pictures of the test split (1.00; seeds 0.50 to 1.00). "
    assert f"{here}Below the seeds' band {course}" in said(found["stops"][0])
    there = (
        "They agree here **less than two seeds do** on 9 of 10 pictures of the test split (−1.00; seeds 0.50 to 1.00). "
    )
    assert f"{there}Below the seeds' band {course}" in said(found["stops"][1])


def test_without_a_second_seed_there_is_no_yardstick():
    found = message(explanation([RISING]), explanation([RISING]))
    assert found["stops"][0]["band"] is None
    assert "There is **no yardstick** for that" in said(found["stops"][0])
    assert "no yardstick" in found["yardstick"]["legend"]


# --- experiments and yardsticks ---------------------------------------------------------------------------------------


def test_experiments_need_both_checkpoints_and_survive_broken_entries(tmp_path):
    entries = [
        {"id": "a", "title": "A", "question": "?", "left": "x", "right": "y"},
        {"id": "b", "title": "B", "question": "?", "left": "x", "right": "missing"},
        {"id": "c"},
        7,
        {"id": "d", "title": "D", "question": "?", "left": "x", "right": "x2", "seeds": True},
        {"id": "e", "title": "E", "question": "?", "left": ["x"], "right": "y"},
        {"id": "f", "title": None, "question": "?", "left": "x", "right": "y"},
        {"id": "g", "title": "G", "question": "?", "left": "x", "right": "y", "seeds": "no"},
    ]
    path = tmp_path / "experiments.json"
    path.write_text(json.dumps(entries))
    assert [one.id for one in read_experiments(path, ["x", "x2", "y"])] == ["a", "d"]
    path.write_text("{")
    assert read_experiments(path, ["x"]) == []
    assert read_experiments(tmp_path / "none.json", ["x"]) == []


def test_the_shipped_experiments_are_well_formed():
    entries = json.loads((ROOT / "weights/experiments.json").read_text())
    ids = {entry[side] for entry in entries for side in ("left", "right")}
    found = read_experiments(ROOT / "weights/experiments.json", ids)
    assert len(found) == len(entries)
    assert (found[0].left, found[0].right) == ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
    assert {one.id for one in seeds_of((found[0].left, found[0].right), found)} == {"luck-sgd", "luck-adam"}


def agreement(folder: Path, left: str, right: str, stops: list, **more: object) -> None:
    (folder / f"{left}--{right}").mkdir()
    rules = {"gradcam": {"n": 900, "stops": stops, **more}}
    (folder / f"{left}--{right}/comparison.json").write_text(json.dumps({"agreement": rules}))


def test_of_two_yardsticks_the_wider_counts_at_every_depth(tmp_path):
    experiments = read_experiments(ROOT / "weights/experiments.json", IDS)
    pair = ("cats-dogs-effnet-sgd", "cats-dogs-effnet-adam")
    ends = [(0.0, [0.1, 0.2, 0.3]), (1.0, [0.5, 0.6, 0.7])]
    agreement(tmp_path, IDS[0], IDS[1], [{"depth": d, "rank": p, "overlap": p} for d, p in ends], below=0.2)
    assert yardstick(pair, "gradcam", experiments, tmp_path, {}) is None  # nothing is known of Adam's luck
    agreement(
        tmp_path, IDS[2], IDS[3], [{"depth": d, "rank": [0.2, 0.4, 0.6], "overlap": p} for d, p in ends], below=0.3
    )
    merged = yardstick(pair, "gradcam", experiments, tmp_path, {})
    assert merged.at(0.0)["rank"] == pytest.approx([0.1, 0.3, 0.6])
    assert merged.at(1.0)["rank"] == pytest.approx([0.2, 0.5, 0.7])
    assert (merged.n, merged.below, merged.pairs) == (900, 0.3, 2)
    assert "the wider of 2 such pairs" in view_message._yardstick(merged.along([]), WORDS, "photos", None)
    # the seeds themselves are measured by their own band alone
    own = yardstick((IDS[0], IDS[1]), "gradcam", experiments, tmp_path, {})
    assert own.at(0.0)["rank"] == pytest.approx([0.1, 0.2, 0.3])
    assert own.at(0.5)["rank"] == pytest.approx([0.3, 0.4, 0.5])
    assert (own.below, own.pairs) == (0.2, 1)
    # a pair across families has no yardstick: one side's luck says nothing of the other's
    assert yardstick((IDS[0], "cats-dogs-vgg16-high"), "gradcam", experiments, tmp_path, {}) is None


def test_a_band_of_a_checkpoint_that_was_trained_anew_since_is_none(tmp_path):
    experiments = read_experiments(ROOT / "weights/experiments.json", IDS)
    pair = (IDS[0], IDS[1])
    agreement(tmp_path, *pair, [{"depth": 0.0, "rank": [0.1, 0.2, 0.3], "overlap": [0.1, 0.2, 0.3]}])
    path = tmp_path / "--".join(pair) / "comparison.json"
    found = json.loads(path.read_text()) | {"left": {"model": "a" * 64}, "right": {"model": "b" * 64}}
    path.write_text(json.dumps(found))
    cards = {
        name: replace(CARD, model_id=name, digests=Digests(model=digest * 64))
        for name, digest in zip(pair, "ab", strict=True)
    }
    assert yardstick(pair, "gradcam", experiments, tmp_path, cards).n == 900
    cards[pair[1]] = replace(CARD, digests=Digests(model="c" * 64))
    assert outdated(found, *pair, cards) == [pair[1]]
    assert yardstick(pair, "gradcam", experiments, tmp_path, cards) is None


IDS = [
    "cats-dogs-effnet-sgd",
    "cats-dogs-effnet-sgd-seed2",
    "cats-dogs-effnet-adam",
    "cats-dogs-effnet-adam-seed2",
]


def test_a_missing_rule_or_a_broken_file_is_no_yardstick(tmp_path):
    experiments = read_experiments(ROOT / "weights/experiments.json", IDS)
    pair = (IDS[0], IDS[1])
    assert yardstick(pair, "gradcam", experiments, tmp_path, {}) is None
    agreement(tmp_path, IDS[0], IDS[1], [{"depth": 0.0, "rank": None, "overlap": None}])
    assert yardstick(pair, "hirescam", experiments, tmp_path, {}) is None
    assert yardstick(pair, "gradcam", experiments, tmp_path, {}) is None  # no stop has numbers
    (tmp_path / f"{IDS[0]}--{IDS[1]}/comparison.json").write_text(
        '{"agreement": {"gradcam": {"stops": [{"rank": [1]}]}}}'
    )
    assert yardstick(pair, "gradcam", experiments, tmp_path, {}) is None


# --- texts and catalog ------------------------------------------------------------------------------------------------


def test_every_label_is_used_and_every_used_one_is_there():
    script, html = "".join(path.read_text() for path in SCRIPTS), template()
    used = set(re.findall(r"\bt\.(\w+)", script)) | set(re.findall(r'data-(?:t|touch|label)="(\w+)"', html))
    assert used == set(texts.labels())


def test_every_sentence_that_is_said_is_there():
    files = [ROOT / "page/layout.py", ROOT / "page/service.py", *(ROOT / "explain/view").glob("*.py")]
    said = set(re.findall(r'\bsay\(\s*"([\w-]+)"', "".join(file.read_text() for file in files)))
    assert len(said) > 30
    assert said <= {*texts.TEXTS.table, "same_class", "same_class_unsure", "other_class"}


def test_templates_hold_nothing_that_gradio_would_execute():
    assert not re.search(r"\$\{|\{\{|`|\\", template())


def test_the_browser_gets_matplotlibs_colours():
    from matplotlib import colormaps

    found = catalog(Service(ROOT / "nothing-here"))
    assert [entry["name"] for entry in found["colours"]] == list(texts.TEXTS["colours"])
    for entry in found["colours"]:
        table = np.frombuffer(base64.b64decode(entry["table"]), np.uint8).reshape(256, 3)
        assert np.abs(table / 255 - colormaps[entry["name"]](np.arange(256))[:, :3]).max() < 1 / 255
    diverging = np.frombuffer(base64.b64decode(found["diverging"]), np.uint8).reshape(255, 3)
    assert diverging[-1, 0] > diverging[-1, 2]  # red: more on the left
    assert diverging[0, 2] > diverging[0, 0]  # blue: more on the right
    assert diverging[127].min() > 240


def test_without_checkpoints_the_page_says_how_to_get_some():
    found = catalog(Service(ROOT / "nothing-here"))
    assert (found["models"], found["start"]) == ([], None)
    assert "python -m training run cats-dogs-effnet-sgd" in found["commands"]


def test_examples_are_a_closed_list_with_their_names():
    found = catalog(Service(ROOT / "nothing-here"))
    assert {entry["id"] for entry in found["examples"]} == {path.stem for path in (ROOT / "examples").glob("*.jpg")}
    assert found["examples"][0]["title"] == "German shepherd"
    assert sum(entry["large"] is not None for entry in found["examples"]) == 3


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
    found = service.answer(red(), "both", "judge-biased", target="Cat")
    assert {"both", "judge-mild", "judge-steep", "judge-biased"} == set(found["loaded"])
    left, right = found["sides"]["left"], found["sides"]["right"]
    assert left["title"] == "Both"
    alone = [service.answer(red(), name, "judge-biased")["sides"]["left"]["bars"] for name in card["members"]]
    shares = [{bar["name"]: bar["share"] for bar in bars} for bars in (left["bars"], *alone)]
    assert shares[0]["Cat"] == pytest.approx((shares[1]["Cat"] + shares[2]["Cat"]) / 2, abs=1e-6)
    assert [layer["address"] for layer in left["layers"]] == [layer["address"] for layer in right["layers"]]
    assert all(layer["features"] is layer["dead"] is None for layer in left["layers"])
    assert left["layers"][-1]["map"]["max"] > 1  # a density
    assert json.dumps(found, allow_nan=False)
    assert service.checked("both", "judge-mild", "gradcam", "Dog")


def test_two_small_models_look_at_a_red_corner(service):
    found = service.answer(red(), "judge-mild", "judge-steep")
    assert found["target"]["name"] == "Cat"
    assert [bar["name"] for bar in found["sides"]["left"]["bars"]] == ["Cat", "Dog"]
    for side in ("left", "right"):
        layers = found["sides"][side]["layers"]
        assert [layer["shape"] for layer in layers] == [[24, 24, 8], [12, 12, 8], [6, 6, 8]]
        map = unpacked(layers[-1]["map"])[0]
        assert map[:3, :3].min() > 200  # the red quarter
        assert map[:3, 3:].max() < 30
    assert math.isclose(found["stops"][-1]["rank"], 1, abs_tol=0.05)
    assert found["stops"][-1]["band"]["rank"] == pytest.approx([0.2, 0.5, 0.8])
    assert service.answer(red(), "judge-mild", "judge-steep", target="Cat")["stops"][-1]["band"] is not None
    other = service.answer(red(), "judge-mild", "judge-steep", target="Dog")
    assert other["stops"][-1]["band"] is None  # the seeds were measured for what they predict
    assert "for this class is not measured" in other["yardstick"]["text"]


def test_an_asked_class_is_explained_on_both_sides(service):
    found = service.answer(red(), "judge-mild", "judge-steep", "layercam", "Dog")
    assert (found["target"]["name"], found["target"]["asked"], found["rule"]) == ("Dog", "Dog", "layercam")
    assert found["stops"][-1]["band"] is None  # no second seed was measured by this rule


def test_predicted_means_one_class_for_both(service):
    found = service.answer(red(), "judge-mild", "judge-biased")
    shares = {side: {bar["name"]: bar["share"] for bar in found["sides"][side]["bars"]} for side in ("left", "right")}
    assert shares["left"]["Cat"] > 0.5
    assert shares["right"]["Dog"] > shares["left"]["Cat"]  # more surely, so the mean says dog
    assert found["target"] == {"asked": "predicted", "name": "Dog", "options": ["Cat", "Dog"], "text": "explained: Dog"}
    assert found["cost"]["passes"] == 6  # one side was asked twice
    red_corner = unpacked(found["sides"]["left"]["layers"][-1]["map"])[0, :2, :2]
    assert not red_corner.any()  # what speaks for cat is no reason for dog
    assert "They disagree" in said(found["stops"][0])


def test_a_model_agrees_with_itself(service):
    found = service.answer(red(), "judge-mild", "judge-mild")
    assert found["names"] == {"left": "the left model", "right": "the right model"}
    for stop in found["stops"]:
        assert stop["rank"] == pytest.approx(1)
        assert not unpacked(stop["difference"], np.int8).any()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nobody", "judge-steep"), "unknown_model"),
        (("../judge-mild", "judge-steep"), "unknown_model"),
        (("broken", "judge-steep"), "unknown_model"),
        ((["judge-mild"], "judge-steep"), "unknown_model"),
        (("judge-mild", None), "unknown_model"),
        (("judge-mild", "judge-steep", "scorecam"), "unknown_rule"),
        (("judge-mild", "judge-steep", {}), "unknown_rule"),
        (("judge-mild", "judge-steep", "gradcam", "Bird"), "unknown_target"),
        (("judge-mild", "judge-steep", "gradcam", 0), "unknown_target"),
        (("judge-mild", "judge-three"), "other_classes"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_sentence(service, arguments, code):
    with pytest.raises(Refused) as error:
        service.answer(red(), *arguments)
    assert error.value.code == code
    assert "\n" not in str(error.value)


ASKED = {"ask": 7, "left": "judge-mild", "right": "judge-steep", "rule": "gradcam", "target": "predicted"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (None, "unknown_model"),
        (["ask"], "unknown_model"),
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
    found = service.ask(asked)
    assert (found["kind"], found["code"]) == ("error", code)
    assert found["ask"] == (7 if isinstance(asked, dict) else None)


@pytest.mark.parametrize("number", [-1, 2**53, 10**400, True, 1.5, "7"])
def test_a_number_that_json_or_the_browser_cannot_carry_does_not_come_back(service, number):
    found = service.ask(ASKED | {"ask": number})
    assert (found["code"], found["ask"]) == ("no_picture", None)


def test_errors_of_the_library_are_said_in_the_pages_words(service, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "photo.png").write_bytes(b"hello")
    asked = ASKED | {"upload": str(tmp_path / "photo.png")}
    assert "holds text" in service.ask(asked)["sentence"]  # the library's own
    monkeypatch.setitem(texts.TEXTS["errors"], "picture.text", "Das ist Text.")
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


def test_a_failure_inside_is_one_sentence_without_its_reason(service, monkeypatch):
    def fails(*_):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(service, "answer", fails)
    found = service.ask(ASKED | {"example": "cat-yarn"})
    assert found["code"] == "internal"
    assert "secret" not in json.dumps(found)


def test_shipped_checkpoints_know_the_examples():
    shipped = Service()
    if not {"cats-dogs-effnet-sgd", "cats-dogs-effnet-adam"} <= set(shipped.cards):
        pytest.skip("the checkpoints are not there")
    shipped.load()
    for id, name in (("dog-shepherd", "Dog"), ("cat-yarn", "Cat"), ("cat-chelsea", "Cat")):
        found = shipped.answer(shipped.example(id), *shipped.start)
        for side in ("left", "right"):
            assert found["sides"][side]["bars"][0]["name"] == name
            assert found["sides"][side]["bars"][0]["share"] > 0.5
