"""Checkpoints: what loads, what is refused and how, and that nothing but folders of `weights` is ever opened."""

import doctest
import gc
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import weakref
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from explain import archive, cards, checkpoints, ensembles, errors, files
from explain.cards import Card, Figures
from explain.checkpoints import CheckpointError, available, load

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def keras():
    import keras

    return keras


@pytest.fixture(autouse=True)
def nothing_kept():
    checkpoints._kept.clear()
    yield
    checkpoints._kept.clear()


def packed(model):
    """The bytes of a model's .keras file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


@pytest.fixture(scope="session")
def unit(keras):
    """One sigmoid unit: logit = 4 x mean red / 255 - 2."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 6, 3)),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.layers[-1].set_weights([np.array([[4.0], [0.0], [0.0]]), np.array([-2.0])])
    return packed(model)


@pytest.fixture(scope="session")
def softmax(keras):
    """Three classes, one a colour: logits are the mean red, green and blue by 255."""
    layers = keras.layers
    inner = keras.Sequential([layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D()], name="inner")
    inputs = layers.Input((None, None, 3))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(inner(inputs)))
    model.layers[-1].set_weights([np.eye(3), np.zeros(3)])
    return packed(model)


def put(weights, folder, data, **card):
    """A checkpoint's folder with a right card, but for what is given."""
    folder = weights / folder
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(data)
    plain = {
        "id": folder.name,
        "title": "A title",
        "description": "A sentence.",
        "classes": ["cat", "dog"],
        "input": [8, 6],
    }
    plain["digests"] = {"model": hashlib.sha256(data).hexdigest()}
    (folder / "card.json").write_text(json.dumps(plain | card))
    return folder


def refused(model_id, weights):
    """The code of the refusal, the same in the list and on loading, whose sentence is one and without a path."""
    with pytest.raises(CheckpointError) as caught:
        load(model_id, weights)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert str(weights) not in sentence
    if caught.value.code not in ("load", "mismatch"):
        assert available(weights) == ([], [(model_id, sentence)])
    return caught.value.code


def repacked(data, change, members=None):
    """The archive with `change(config)` as its configuration, or with other members."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        content = {name: old.read(name) for name in old.namelist()}
    if change is not None:
        config = json.loads(content["config.json"])
        content["config.json"] = json.dumps(change(config) or config).encode()
    content |= members or {}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, value in content.items():
            if value is not None:
                new.writestr(name, value)
    return file.getvalue()


# --- what loads -------------------------------------------------------------------------------------------------------


def plain(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def test_one_sigmoid_unit_gives_two_columns(unit, tmp_path):
    put(tmp_path, "unit", unit, recipe={"anything": [1, 2]})
    checkpoint = load("unit", tmp_path)
    assert checkpoint.model_id == "unit"
    assert checkpoint.classes == ("cat", "dog")
    assert checkpoint.input_size == (8, 6)
    assert checkpoint.card.recipe == {"anything": [1, 2]}
    half = np.concatenate([plain(10, 4, (255, 0, 9)), plain(10, 4, (0, 0, 0))], axis=1)
    result = checkpoint.predict([plain(8, 6, (255, 0, 0)), plain(20, 30, (0, 255, 255)), half])
    dog = 1 / (1 + np.exp([-2.0, 2.0, 0.0]))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.stack([1 - dog, dog], axis=1), atol=1e-6)


def test_softmax_of_a_nested_model_of_any_size(softmax, tmp_path):
    put(tmp_path, "softmax", softmax, classes=["red", "green", "blue"], input=[4, 4])
    batch = np.stack([plain(4, 4, (255, 0, 0)), plain(4, 4, (0, 51, 255))])
    expected = np.exp([[1, 0, 0], [0, 0.2, 1]])
    result = load("softmax", tmp_path).predict(batch)
    np.testing.assert_allclose(result, expected / expected.sum(1, keepdims=True), atol=1e-6)


def test_batches_are_bounded(unit, tmp_path, monkeypatch):
    put(tmp_path, "unit", unit)
    checkpoint = load("unit", tmp_path)
    reds = np.arange(0, 250, 10)
    pictures = [plain(5, 5, (red, 0, 0)) for red in reds]
    expected = 1 / (1 + np.exp(2 - 4 * reds / 255))
    sizes = []
    forward = checkpoint._forward
    checkpoint.__dict__["_forward"] = lambda batch: sizes.append(len(batch)) or forward(batch)
    monkeypatch.setattr(checkpoints, "_BATCH_PIXELS", 8 * 6 * 10)
    np.testing.assert_allclose(checkpoint.predict(pictures)[:, 1], expected, atol=1e-6)
    assert sizes == [10, 10, 5]
    monkeypatch.setattr(checkpoints, "_BATCH_PIXELS", 1)
    np.testing.assert_allclose(checkpoint.predict(pictures[:2])[:, 1], expected[:2], atol=1e-6)
    assert checkpoint.predict([]).shape == (0, 2)


def test_predict_refuses_what_is_no_picture(unit, tmp_path):
    put(tmp_path, "unit", unit)
    with pytest.raises(TypeError, match="uint8"):
        load("unit", tmp_path).predict(np.zeros((1, 8, 6, 3), np.float32))
    with pytest.raises(ValueError, match="H x W x 3"):
        load("unit", tmp_path).predict(plain(8, 6, (0, 0, 0)))


def test_numbers_in_ids_are_put_in_order_as_numbers(unit, tmp_path):
    names = ["net", "net2-seed1", "net10", "net-seed2", "net-seed10"]
    for name in reversed(names):
        put(tmp_path, name, unit)
    assert [card.model_id for card in available(tmp_path).cards] == names
    assert sorted(["10", "9", "a9", "a10b", "a10", "", "009", "²"], key=cards.natural_order) == [
        *("", "009", "9", "10", "a9", "a10", "a10b", "²")
    ]


def test_available_names_cards_and_problems(unit, tmp_path):
    put(tmp_path, "b-second", unit, title="Second")
    put(tmp_path, "a-first", unit, title="First")
    put(tmp_path, "broken", unit + b"x", digests={"model": "0" * 64})
    put(tmp_path, "Capital", unit)
    (tmp_path / "experiments.json").write_text("{}")
    (tmp_path / ".hidden").mkdir()
    listed = available(tmp_path)
    assert [card.title for card in listed.cards] == ["First", "Second"]
    assert [name for name, _ in listed.problems] == ["Capital", "broken"]
    assert load("b-second", tmp_path).card.title == "Second"
    assert available(tmp_path / "missing") == ([], [])


def test_available_works_without_tensorflow(unit, tmp_path):
    put(tmp_path, "unit", unit)
    code = (
        "import sys; from explain.checkpoints import available; cards = available(sys.argv[1]).cards;"
        " print([card.model_id for card in cards], 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['unit'] False False"


def test_available_reads_an_archive_once_until_it_changes(unit, tmp_path, monkeypatch):
    folder = put(tmp_path, "unit", unit)
    read = []
    check = archive.check
    monkeypatch.setattr(archive, "check", lambda file, model_id: read.append(model_id) or check(file, model_id))
    available(tmp_path)
    available(tmp_path)
    assert read == ["unit"]
    (folder / "model.keras").write_bytes(unit + b"x")
    assert available(tmp_path).problems != []


def test_compiled_model_loads_whatever_its_loss(keras, tmp_path):
    def own_loss(truth, prediction):
        return prediction

    model = keras.Sequential([keras.layers.Input((8, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(keras.optimizers.AdamW(), loss=own_loss, metrics=["accuracy"])
    put(tmp_path, "compiled", packed(model))
    assert not load("compiled", tmp_path).model.compiled


def test_layers_and_objects_of_real_networks_are_plain(keras, tmp_path):
    layers = keras.layers
    inputs = layers.Input((32, 32, 3))
    x = layers.Resizing(36, 36)(inputs)
    inner = layers.Input((36, 36, 3))
    y = layers.DepthwiseConv2D(3, activation="swish", depthwise_initializer="he_normal")(layers.ZeroPadding2D()(inner))
    y = layers.BatchNormalization()(layers.Add()([layers.SeparableConv2D(3, 1)(y), inner]))
    y = layers.Multiply()([y, layers.Reshape((1, 1, 3))(layers.GlobalMaxPooling2D()(y))])
    backbone = keras.Model(inner, layers.Dropout(0.2)(layers.LeakyReLU()(y)), name="backbone")
    backbone.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)), "mse", ["accuracy"])
    x = layers.Activation(keras.activations.gelu)(backbone(x))
    x = layers.Conv2D(4, 1, kernel_regularizer="l2", kernel_constraint="max_norm", dtype="mixed_float16")(x)
    x = layers.GlobalAveragePooling2D()(x + 1)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", dtype="float32")(layers.ReLU(6.0)(x)))
    put(tmp_path, "real", packed(model), input=[32, 32])
    np.testing.assert_allclose(load("real", tmp_path).predict([plain(9, 9, (1, 2, 3))]).sum(1), [1], atol=1e-6)


# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model_id",
    ["", ".", "..", "../outside", "unit/", "unit/../unit", "UNIT", "unit\n", "missing", "file", "-", None, 3, b"unit"],
)
def test_only_folders_are_ids(model_id, unit, tmp_path, monkeypatch):
    put(tmp_path, "outside", unit)
    weights = tmp_path / "weights"
    put(weights, "unit", unit)
    (weights / "file").write_text("")
    monkeypatch.chdir(weights)
    for name in (model_id, str(weights / "unit")):
        with pytest.raises(CheckpointError) as caught:
            load(name, weights)
        assert caught.value.code == "unknown"
    assert load("unit", weights).model_id == "unit"


# --- cards ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "card",
    [
        {"id": "another"},
        {"id": "../unit"},
        {"title": ""},
        {"title": ["A"]},
        {"description": None},
        {"classes": "cat"},
        {"classes": ["cat"]},
        {"classes": ["cat", "cat"]},
        {"classes": ["cat", 3]},
        {"input": 8},
        {"input": [8]},
        {"input": [8, 0]},
        {"input": [8.0, 6]},
        {"input": [True, 6]},
        {"digests": None},
        {"digests": {}},
        {"digests": {"model": "abc"}},
        {"digests": {"model": "A" * 64}},
    ],
)
def test_wrong_card(card, unit, tmp_path):
    put(tmp_path, "unit", unit, **card)
    assert refused("unit", tmp_path) == "card"


@pytest.mark.parametrize("text", [None, "", "{", "[]", "\x80", "[" * 100_000])
def test_unreadable_card(text, unit, tmp_path):
    folder = put(tmp_path, "unit", unit)
    (folder / "card.json").unlink()
    if text is not None:
        (folder / "card.json").write_text(text, "latin-1")
    assert refused("unit", tmp_path) == "card"


@pytest.mark.parametrize("path", sorted((ROOT / "weights").glob("*/card.json")), ids=lambda path: path.parent.name)
def test_shipped_cards_come_back_byte_by_byte(path, tmp_path):
    card = Card.read(path.parent)
    card.write(tmp_path / "card.json")
    assert (tmp_path / "card.json").read_bytes() == path.read_bytes()
    assert Card.read(tmp_path) == card
    values = json.loads(path.read_text())
    assert card.test.accuracy == values["splits"]["test"]["accuracy"]
    assert card.test.reliability[-1].n == values["splits"]["test"]["reliability"][-1]["n"]
    if not card.members:
        recipe = values["recipe"]
        assert (card.network, card.optimizer) == (recipe["model"]["name"], recipe["optimizer"]["name"])
    assert card.digests.model == values["digests"].get("model", "")


PLAIN = {"id": "a", "title": "A", "description": "B.", "classes": ["cat", "dog"], "input": [8, 6]}
PLAIN["digests"] = {"model": "0" * 64}


def test_what_a_card_says_beyond_what_is_known_is_kept():
    values = PLAIN | {"licence": "CC0", "groups": ["pet", "pet"], "splits": {"test": {"n": 4, "accuracy_twins": 0.5}}}
    card = Card.from_json(values)
    assert card.groups == ("pet", "pet")
    assert card.more == {"licence": "CC0"}
    assert card.test.more == {"accuracy_twins": 0.5}
    assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card
    assert card.to_json() == values | {"search": None}


ODD = [None, 3, -1, 1.5, 10**400, "?", [], {}, [None], {"test": 3}, {"test": {"n": "4", "accuracy": True}}, "[" * 99]
OPTIONAL = ["dataset", "parameters", "multiply_adds", "splits", "tested", "seconds", "best", "initial_weights", "smoke"]
OPTIONAL += ["recipe", "search", "revision", "versions", "hardware", "groups"]


@pytest.mark.parametrize("key", OPTIONAL)
def test_optional_parts_of_an_odd_kind_are_taken_for_missing(key):
    plain = Card.from_json(PLAIN)
    for value in ODD:
        card = Card.from_json(PLAIN | {key: value})
        assert (card.model_id, card.classes) == ("a", ("cat", "dog"))
        assert card.optimizer is card.learning_rate is card.network is None
        if value in (None, [], [None]):
            assert card == plain


def test_figures_out_of_range_are_taken_for_missing():
    good = {"confidence_low": 0.5, "confidence_high": 0.6, "n": 3, "accuracy": 0.4}
    rows = [good, good | {"n": -1}, good | {"accuracy": 2}, {"n": 3}, 4]
    values = {"accuracy": 1.2, "auc": float("nan"), "log_loss": float("inf"), "accuracy_interval": [0.5, 1.2]}
    figures = Figures.from_json(values | {"n": True, "f1": 1, "reliability": rows})
    assert figures == Figures(f1=1, reliability=(cards.Bin(**good),))


# --- archives ---------------------------------------------------------------------------------------------------------


def test_flipped_bit(unit, tmp_path):
    data = bytearray(unit)
    data[len(data) // 2] ^= 1
    put(tmp_path, "unit", bytes(data), digests={"model": hashlib.sha256(unit).hexdigest()})
    assert refused("unit", tmp_path) == "digest"


def test_missing_model(unit, tmp_path):
    (put(tmp_path, "unit", unit) / "model.keras").unlink()
    assert refused("unit", tmp_path) == "archive"


@pytest.mark.parametrize(
    "members",
    [
        {"extra.py": b"print()"},
        {"assets/vocabulary.txt": b""},
        {"../outside": b""},
        {"/etc/passwd": b""},
        {"metadata.json": None},
        {"model.weights.h5": None},
        {"config.json": b"["},
        {"config.json": b"[]"},
        {"config.json": b"[" * 60_000},
        {"config.json": b" " * 10_000_000 + b"{}"},  # a thousand times its packed size
        {"metadata.json": os.urandom(2**17)},
    ],
)
def test_archive_that_is_not_plain(members, unit, tmp_path):
    put(tmp_path, "unit", repacked(unit, None, members))
    assert refused("unit", tmp_path) == "archive"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archive_with_a_second_configuration(unit, tmp_path):
    file = io.BytesIO(unit)
    with zipfile.ZipFile(file, "a") as whole:
        whole.writestr("config.json", "{}")
    put(tmp_path, "unit", file.getvalue())
    assert refused("unit", tmp_path) == "archive"


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_no_archive(data, tmp_path):
    put(tmp_path, "unit", data)
    assert refused("unit", tmp_path) == "archive"


def test_damage_inside_the_archive(unit, tmp_path):
    with zipfile.ZipFile(io.BytesIO(unit)) as whole:
        middle = whole.getinfo("model.weights.h5").header_offset + 2000
    put(tmp_path, "unit", unit[:middle] + bytes(50) + b"\xff" * 50 + unit[middle + 100 :])
    assert refused("unit", tmp_path) == "load"


def test_weights_that_point_outside(unit, tmp_path):
    """HDF5 can hold links to other files, which must not be followed."""
    with zipfile.ZipFile(io.BytesIO(unit)) as old:
        weights = io.BytesIO(old.read("model.weights.h5"))
    other = tmp_path / "other.h5"
    with h5py.File(weights, "r+") as file:
        group = file["layers/dense/vars"]
        with h5py.File(other, "w") as outside:
            outside["kernel"] = group["0"][()]
        del group["0"]
        group["0"] = h5py.ExternalLink(str(other), "kernel")
    put(tmp_path / "weights", "unit", repacked(unit, None, {"model.weights.h5": weights.getvalue()}))
    assert refused("unit", tmp_path / "weights") == "load"


# --- code -------------------------------------------------------------------------------------------------------------


def test_lambda_layer(keras, tmp_path):
    model = keras.Sequential(
        [keras.layers.Input((8, 6, 3)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Flatten()]
    )
    put(tmp_path, "unit", packed(model))
    assert refused("unit", tmp_path) == "code"


def test_own_function_as_activation(keras, tmp_path):
    def activation(x):
        return x * 2

    model = keras.Sequential([keras.layers.Input((8, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(2, activation)])
    put(tmp_path, "unit", packed(model))
    assert refused("unit", tmp_path) == "code"


def test_lambda_as_activation(unit, tmp_path):
    def change(config):
        code = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
        config["config"]["layers"][3]["config"]["activation"] = code

    put(tmp_path, "unit", repacked(unit, change))
    assert refused("unit", tmp_path) == "code"


def test_layer_of_another_module_deep_inside(keras, tmp_path):
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    inner = keras.Sequential([keras.layers.Input((6, 3)), Own()])
    model = keras.Sequential(
        [keras.layers.Input((8, 6, 3)), keras.layers.TimeDistributed(inner), keras.layers.Flatten()]
    )
    put(tmp_path, "unit", packed(model))
    assert refused("unit", tmp_path) == "code"


def test_registered_layer_is_refused_even_where_it_is_known(keras, tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Known(keras.layers.Layer):
        def call(self, x):
            return x

    put(tmp_path, "unit", packed(keras.Sequential([keras.layers.Input((8, 6, 3)), Known(), keras.layers.Flatten()])))
    assert refused("unit", tmp_path) == "code"


def set_layer(**changes):
    def change(config):
        config["config"]["layers"][1].update(changes)

    return change


@pytest.mark.parametrize(
    "changes",
    [
        {"module": "os", "class_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "exec"},
        {"module": None},
        {"module": ["keras.layers"]},
        {"module": "keras.layers\n"},
        {"module": "keras.layers.core"},
        {"module": "keras.utils", "class_name": "get_file"},
        {"module": "keras.src.layers.core.lambda_layer", "class_name": "Lambda"},
        {"module": "keras", "class_name": "layers.Lambda"},
        {"module": "keras", "class_name": "Lambda"},
        {"class_name": "Lambda"},
        {"class_name": "TFSMLayer"},
        {"class_name": "TorchModuleWrapper"},
        {"class_name": "JaxLayer"},
        {"class_name": "StringLookup"},
        {"class_name": "experimental.Lambda"},
        {"class_name": 3},
        {"class_name": "__lambda__"},
        {"class_name": "__typespec__", "spec_name": "TensorSpec"},
        {"class_name": "__tensor__", "module": "os"},
        {"registered_name": "tests>Known"},
        {"build_config": {"x": [{"class_name": "__lambda__", "config": {"value": "AAAA"}}]}},
    ],
)
def test_configuration_that_asks_for_more_than_plain_keras(changes, unit, tmp_path):
    put(tmp_path, "unit", repacked(unit, set_layer(**changes)))
    assert refused("unit", tmp_path) == "code"


def test_sentence_about_code_quotes_nothing_but_names(unit, tmp_path):
    put(tmp_path, "unit", repacked(unit, set_layer(module="posix", class_name="system")))
    with pytest.raises(CheckpointError, match=r"asks for code of its own \(posix.system\)"):
        load("unit", tmp_path)
    put(tmp_path, "other", repacked(unit, set_layer(module="<b>", class_name="system")))
    with pytest.raises(CheckpointError, match="asks for code of its own, which"):
        load("other", tmp_path)


def test_repacking_alone_changes_nothing(unit, tmp_path):
    put(tmp_path, "unit", repacked(unit, lambda config: config))
    assert load("unit", tmp_path).model_id == "unit"


def test_layer_that_this_keras_does_not_know(unit, tmp_path):
    put(tmp_path, "unit", repacked(unit, set_layer(class_name="RescalingOfTheFuture")))
    assert refused("unit", tmp_path) == "load"


@pytest.mark.parametrize("card", [{"classes": ["cat", "dog", "cow"]}, {"input": [6, 8]}])
def test_model_that_is_not_what_its_card_says(card, unit, tmp_path):
    put(tmp_path, "unit", unit, **card)
    assert refused("unit", tmp_path) == "mismatch"


# --- memory and threads -----------------------------------------------------------------------------------------------


def bare(weights, *names):
    """Folders with a card and nothing to load."""
    for name in names:
        put(weights, name, b"")


@pytest.fixture
def loads(monkeypatch):
    """Loading counted, and without Keras. A checkpoint takes as many bytes as its folder's name ends with."""
    counted = []

    class Loaded:
        def __init__(self, folder):
            self.model_id = folder.name

    monkeypatch.setattr(checkpoints, "_load", lambda folder: counted.append(folder.name) or Loaded(folder))
    monkeypatch.setattr(checkpoints, "_footprint", lambda loaded: int(loaded.model_id.rpartition("-")[2]))
    monkeypatch.setattr(checkpoints, "KEPT_BYTES", 100)
    return counted


def test_models_are_kept_by_bytes_and_the_least_recently_used_leave(loads, tmp_path):
    bare(tmp_path, "a-40", "b-30", "c-30", "d-50", "e-500")
    first = {name: load(name, tmp_path) for name in ("a-40", "b-30", "c-30")}
    assert load("a-40", tmp_path) is first["a-40"]
    load("d-50", tmp_path)  # b and c leave: 40 + 50 of 100
    assert loads == ["a-40", "b-30", "c-30", "d-50"]
    assert load("a-40", tmp_path) is first["a-40"]
    assert load("b-30", tmp_path) is not first["b-30"]  # d leaves
    assert loads == ["a-40", "b-30", "c-30", "d-50", "b-30"]
    load("e-500", tmp_path)  # all leave; more than there is room for is kept alone
    load("e-500", tmp_path)
    assert loads == ["a-40", "b-30", "c-30", "d-50", "b-30", "e-500"]
    load("a-40", tmp_path)
    assert [folder.name for folder in checkpoints._kept] == ["a-40"]


def test_loaded_names_what_answers_without_loading(loads, tmp_path, monkeypatch):
    bare(tmp_path, "a-40", "b-30", "c-30", "d-50")
    both = {"id": "both", "title": "Both", "description": "Two.", "classes": ["cat", "dog"], "input": [8, 6]}
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "card.json").write_text(json.dumps(both | {"members": ["a-40", "b-30"]}))
    known = [Card.read(tmp_path / name) for name in ("a-40", "b-30", "both", "c-30", "d-50")]
    monkeypatch.setattr(archive, "verify", lambda *_: 2**30)
    assert checkpoints.loaded(known, tmp_path) == []
    load("both", tmp_path)
    load("a-40", tmp_path)  # counted once, by itself and as a member
    assert loads == ["a-40", "b-30"]
    assert sum(kept.size for kept in checkpoints._kept.values()) == 70
    assert checkpoints.loaded(known, tmp_path) == ["a-40", "b-30", "both"]
    load("d-50", tmp_path)
    assert checkpoints.loaded(known, tmp_path) == ["a-40", "d-50"]


def test_bytes_of_a_model_are_those_of_its_weights_and_some_for_traces(unit, tmp_path):
    put(tmp_path, "unit", unit)
    assert checkpoints._footprint(load("unit", tmp_path)) == 4 * 4 + checkpoints.TRACE_BYTES


def test_shipped_models_are_kept_together():
    sizes = [checkpoints.TRACE_BYTES + 4 * card.parameters for card in available().cards if not card.members]
    assert len(sizes) >= 6
    assert sum(sizes) <= checkpoints.KEPT_BYTES
    assert 10 * min(sizes) <= checkpoints.KEPT_BYTES  # two ensembles of five


def test_same_id_in_two_folders(loads, tmp_path):
    for part in ("a", "b"):
        bare(tmp_path / part, "unit-1")
    assert load("unit-1", tmp_path / "a") is not load("unit-1", tmp_path / "b")
    assert load("unit-1", tmp_path / "a") is load("unit-1", tmp_path / "b" / ".." / "a")


def test_a_checkpoint_that_was_replaced_is_loaded_anew(unit, softmax, tmp_path):
    folder = put(tmp_path, "unit", unit)
    old = load("unit", tmp_path)
    assert load("unit", tmp_path) is old
    card = json.loads((folder / "card.json").read_text())
    card |= {"classes": ["r", "g", "b"], "digests": {"model": hashlib.sha256(softmax).hexdigest()}}
    (folder / "model.keras").write_bytes(softmax)
    (folder / "card.json").write_text(json.dumps(card))
    assert load("unit", tmp_path).classes == ("r", "g", "b")


def test_evicted_models_leave_memory(unit, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "KEPT_BYTES", 1)
    put(tmp_path, "a", unit)
    put(tmp_path, "b", unit)
    checkpoint = load("a", tmp_path)
    checkpoint.predict([plain(8, 6, (0, 0, 0))])
    gone = weakref.ref(checkpoint.model)
    del checkpoint
    load("b", tmp_path)
    gc.collect()
    assert gone() is None


def test_failed_load_is_tried_again(unit, tmp_path):
    folder = put(tmp_path, "unit", unit)
    card = (folder / "card.json").read_text()
    (folder / "card.json").write_text("{")
    assert refused("unit", tmp_path) == "card"
    (folder / "card.json").write_text(card)
    assert load("unit", tmp_path).model_id == "unit"


def test_threads_share_one_loading_and_hold_up_nobody_else(tmp_path, monkeypatch):
    bare(tmp_path, "slow", "quick")
    started, go, counted = threading.Event(), threading.Event(), []

    def loading(folder):
        counted.append(folder.name)
        if folder.name == "slow":
            started.set()
            assert go.wait(20)
        return object()

    monkeypatch.setattr(checkpoints, "_load", loading)
    monkeypatch.setattr(checkpoints, "_footprint", lambda _: 1)
    results = []
    threads = [threading.Thread(target=lambda: results.append(load("slow", tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert started.wait(20)
    load("quick", tmp_path)  # while the other is being loaded
    assert results == []
    go.set()
    for thread in threads:
        thread.join(20)
    assert sorted(counted) == ["quick", "slow"]
    assert len(results) == 8
    assert len(set(map(id, results))) == 1


def test_real_models_under_threads(unit, tmp_path):
    put(tmp_path, "a", unit)
    put(tmp_path, "b", unit)
    results, red = [], plain(8, 6, (255, 0, 0))

    def work(number):
        results.append(load("ab"[number % 2], tmp_path).predict([red])[0, 1])

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    np.testing.assert_allclose(results, [1 / (1 + np.exp(-2))] * 6, atol=1e-6)


# --- examples of the documentation ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [archive, cards, checkpoints, pytest.param(ensembles, marks=pytest.mark.slow), errors, files],
    ids=lambda module: module.__name__,
)
def test_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
