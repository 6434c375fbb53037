"""Models of any origin, opened from their files: what is read from them, what is asked for, what is refused."""

import doctest
import json

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from explain import explain, models, open_model, preprocessing
from explain.checkpoints import DEFAULT
from explain.errors import CheckpointError, ModelError

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def sequential(*first, size=(16, 12), channels=3, units=3, activation="softmax"):
    end = [layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((*size, channels)), *first, *end, layers.Dense(units, activation=activation)])


def nested(*first):
    """A prepared backbone two models deep."""
    inner = keras.Sequential([keras.Input((16, 12, 3)), *first, layers.Conv2D(4, 3, activation="relu")])
    x = keras.Input((16, 12, 3))
    middle = keras.Model(x, layers.Dropout(0.5)(inner(layers.RandomFlip()(x))))
    x = keras.Input((16, 12, 3))
    y = layers.GlobalAveragePooling2D()(middle(x))
    return keras.Model(x, layers.Dense(3, activation="softmax")(y))


def divided():
    """Prepared by arithmetic between layers."""
    x = keras.Input((16, 12, 3))
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.ZeroPadding2D()(x / 127.5 - 1)))
    return keras.Model(x, layers.Dense(3, activation="softmax")(y))


def adapted():
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).uniform(0, 255, (8, 16, 12, 3)))
    return layer


def saved(model, folder, name="net.keras"):
    model.save(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return saved(sequential(layers.Rescaling(1 / 255)), tmp_path_factory.mktemp("prepared"))


PREPARED = {
    "rescaling": lambda: sequential(layers.Rescaling(1 / 255)),
    "to -1": lambda: sequential(layers.Rescaling(1 / 127.5, -1)),
    "normalization": lambda: sequential(adapted()),
    "means alone": lambda: sequential(layers.Normalization(mean=[124.0, 117.0, 104.0], variance=[1.0, 1.0, 1.0])),
    "nested": lambda: nested(layers.Rescaling(1 / 255)),
    "nested normalization": lambda: nested(layers.Rescaling(1 / 255), layers.Normalization(mean=0.5, variance=0.1)),
    "augmented": lambda: sequential(layers.RandomFlip(), layers.Rescaling(1 / 255), layers.ZeroPadding2D(5)),
    "arithmetic": divided,
    "application": lambda: keras.applications.EfficientNetB0(weights=None, input_shape=(32, 32, 3), classes=3),
}
SLOW = {"application"}
UNPREPARED = {
    "nothing": sequential,
    "nested": nested,
    "batch normalization": lambda: sequential(layers.BatchNormalization()),
    "meant for 0 to 1": lambda: sequential(layers.Rescaling(2, -1)),
    "normalization of 0 to 1": lambda: sequential(layers.Normalization(mean=0.45, variance=0.05)),
    "too late": lambda: sequential(layers.Conv2D(3, 1), layers.Rescaling(1 / 255)),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind in SLOW else []) for kind in PREPARED]
)
def test_a_model_that_prepares_its_pictures_says_so(kind, tmp_path):
    opened = open_model(saved(PREPARED[kind](), tmp_path))
    assert opened.preprocess == "none"
    assert opened.classes == ("0", "1", "2")


@pytest.mark.parametrize("kind", UNPREPARED)
def test_of_others_it_is_asked_for_in_one_sentence(kind, tmp_path):
    path = saved(UNPREPARED[kind](), tmp_path)
    with pytest.raises(ModelError) as caught:
        open_model(path)
    assert caught.value.key == "model.preprocess"
    assert str(caught.value).count(". ") == 0
    assert all(f"{name} (" in str(caught.value) for name in preprocessing.PREPROCESSING)
    assert open_model(path, preprocess="unit").preprocess == "unit"


@pytest.mark.parametrize("mode", ["tf", "caffe", "torch"])
def test_preprocessing_is_that_of_the_applications(mode):
    batch = PICTURE[None].astype(np.float32)
    expected = keras.applications.imagenet_utils.preprocess_input(batch.copy(), mode=mode)
    kept = batch.copy()
    np.testing.assert_allclose(preprocessing.preprocessing(mode)(batch), expected, atol=1e-4)
    assert np.array_equal(batch, kept)
    assert preprocessing.preprocessing("unit")(batch).max() == batch.max() / 255
    assert preprocessing.preprocessing("none") is None


def test_it_answers_by_the_doors_of_a_checkpoint(tmp_path):
    model = sequential()
    opened = open_model(saved(model, tmp_path, "My Net 2.keras"), ["a", "b", "c"], "tf")
    assert (opened.model_id, opened.card.title, opened.input_size) == ("my-net-2", "My Net 2", (16, 12))
    batch = opened._given(PICTURE)[None].astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(opened.predict([PICTURE, PICTURE])[1], model(batch)[0], atol=1e-6)
    expected = explain(model, batch, 1, rules=["gradcam", "gradient"])
    explanation = opened.explain(PICTURE, "b", rules=["gradcam", "gradient"])
    np.testing.assert_allclose(explanation.map(), expected.map(), atol=1e-6)
    np.testing.assert_allclose(explanation.map(rule="gradient"), expected.map(rule="gradient"), atol=1e-6)
    assert explanation.pictures.dtype == np.uint8
    assert explanation.origin.digest == opened.card.digests.model


def test_logits_one_unit_and_grey_pictures_of_any_size(tmp_path):
    model = sequential(layers.Rescaling(1 / 255), size=(None, None), channels=1, units=1, activation=None)
    path = saved(model, tmp_path)
    with pytest.raises(ModelError, match=r"any size: say which by size=\(height, width\), or --size"):
        open_model(path)
    opened = open_model(path, size=(20, 24))
    grey = np.repeat(PICTURE[..., :1], 3, axis=2)
    logit = float(model(opened._given(grey)[None].astype(np.float32))[0, 0])
    np.testing.assert_allclose(opened.predict([grey]), [[1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))]], atol=1e-6)
    explanation = opened.explain([grey, PICTURE], "1")
    assert explanation.pictures.shape == (2, 20, 24, 1)
    assert explanation.overlay().shape == (20, 24, 3)


def test_sizes_that_do_not_fit_and_channels(prepared, tmp_path):
    with pytest.raises(ModelError, match="16 x 12 pixels alone, not 16 x 16"):
        open_model(prepared, size=(16, 16))
    with pytest.raises(ModelError, match="4 channels"):
        open_model(saved(sequential(channels=4), tmp_path))
    x = keras.Input((3, 16, 12))
    y = layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    with pytest.raises(ModelError, match="channels first"):
        open_model(saved(keras.Model(x, layers.Dense(2)(y)), tmp_path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("names.txt", "first\n second, too \n\nthird\n"),
        ("names.json", '["first", "second, too", "third"]'),
        ("indices.json", '{"third": 2, "first": 0, "second, too": 1}'),
        ("index.json", '{"0": ["n1", "first"], "1": ["n2", "second, too"], "2": ["n3", "third"]}'),
        ("numbers.json", '{"0": "first", "1": "second, too", "2": "third"}'),
    ],
)
def test_names_of_classes_from_a_file(name, text, prepared, tmp_path):
    (tmp_path / name).write_text(text)
    assert open_model(prepared, tmp_path / name).classes == ("first", "second, too", "third")


@pytest.mark.parametrize("text", ["one\ntwo", "one\none\ntwo", "{", None])
def test_names_that_do_not_fit(text, prepared, tmp_path):
    path = tmp_path / "names.json" if text == "{" else tmp_path / "names.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelError) as caught:
        open_model(prepared, path)
    assert caught.value.key == "model.classes"
    assert str(tmp_path) not in str(caught.value)


def test_a_head_that_cannot_be_told_has_to_be_said(tmp_path):
    x = keras.Input((16, 12, 3))
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(x)))
    mean = layers.Average()([layers.Dense(2, activation="softmax")(y) for _ in range(2)])
    path = saved(keras.Model(x, mean), tmp_path)
    with pytest.raises(ModelError, match='head="probabilities"'):
        open_model(path)
    assert open_model(path, head="probabilities").explain(PICTURE).map().shape == (14, 10)


def lambdas():
    return sequential(layers.Lambda(lambda x: x / 255, output_shape=(16, 12, 3)))


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_files_that_ask_for_code_are_refused_unless_trusted(name, tmp_path):
    path = saved(lambdas(), tmp_path, name)
    with pytest.raises(CheckpointError, match=r"Lambda.*trust=True") as caught:
        open_model(path)
    assert caught.value.code == "code"
    assert open_model(path, trust=True).predict([PICTURE]).shape == (1, 3)


@keras.saving.register_keras_serializable("mine")
class Custom(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.parts = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.GlobalMaxPooling2D(), layers.Dense(3)]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


def test_a_subclassed_model_is_opened_with_trust(tmp_path):
    model = Custom()
    model(np.zeros((1, 16, 12, 3), np.float32))
    path = saved(model, tmp_path)
    with pytest.raises(CheckpointError, match="trust=True"):
        open_model(path)
    with pytest.raises(ModelError, match="--size"):
        open_model(path, trust=True)
    assert open_model(path, trust=True, size=(16, 12)).explain(PICTURE).map().shape == (14, 10)


def test_a_legacy_file_is_what_it_was(tmp_path):
    model = sequential(layers.Rescaling(1 / 255))
    opened = open_model(saved(model, tmp_path, "old.h5"))
    batch = opened._given(PICTURE)[None].astype(np.float32)
    np.testing.assert_allclose(opened.predict([PICTURE]), model(batch), atol=1e-6)


def forged(path, **part):
    """A legacy file whose second layer is something else."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1].update(part)
        file.attrs["model_config"] = json.dumps(config)
    return path


@pytest.mark.parametrize(
    "part",
    [
        {"class_name": "system", "module": "os"},
        {"class_name": "Popen", "module": "subprocess", "registered_name": "Popen"},
        {"class_name": "os.system"},
        {"class_name": "TFSMLayer"},
        {"class_name": "Rescaling", "module": "keras.layers", "registered_name": "mine>Rescaling"},
    ],
)
def test_legacy_files_cannot_name_code(part, tmp_path):
    path = forged(saved(sequential(layers.Rescaling(1 / 255)), tmp_path, "old.h5"), **part)
    with pytest.raises(CheckpointError, match="asks for code"):
        open_model(path)


def test_what_keras_3_does_not_open_says_how_to_convert(prepared, tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    for named, wanted in ((folder, "is a folder"), (tmp_path / "net.pt", "no .keras or .h5 file")):
        with pytest.raises(ModelError, match=wanted):
            open_model(named)
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelError, match=r"save that as old\.h5"):
        open_model(folder)
    with pytest.raises(ModelError, match=r"no file net\.keras"):
        open_model(tmp_path / "net.keras")
    for name in ("broken.keras", "broken.h5"):
        (tmp_path / name).write_bytes(prepared.read_bytes()[:500])
        with pytest.raises(CheckpointError, match="damaged"):
            open_model(tmp_path / name)
    path = forged(saved(sequential(layers.Rescaling(1 / 255)), tmp_path, "two.h5"), class_name="TFOpLambda")
    with pytest.raises(CheckpointError, match="by its code, given its weights") as caught:
        open_model(path)
    assert caught.value.code == "load"
    for refused in (caught.value,):
        assert str(tmp_path) not in str(refused)


def test_an_archive_that_keras_2_wrote(prepared, tmp_path):
    import zipfile

    with zipfile.ZipFile(prepared) as old, zipfile.ZipFile(tmp_path / "old.keras", "w") as new:
        for part in old.namelist():
            data = old.read(part)
            if part == "config.json":
                config = json.loads(data) | {"module": "tf_keras.src.engine.functional", "class_name": "Functional"}
                data = json.dumps(config)
            new.writestr(part, data)
    with pytest.raises(ModelError, match=r"Keras 2 wrote old: save it there as old\.h5"):
        open_model(tmp_path / "old.keras")


def test_what_is_none_of_the_choices(prepared):
    with pytest.raises(ValueError, match="preprocess is one of none, unit, tf, caffe, torch"):
        open_model(prepared, preprocess="imagenet")
    with pytest.raises(ValueError, match="head is one of"):
        open_model(prepared, head="softmax")


def test_a_folder_with_a_card_is_a_checkpoint():
    assert open_model(DEFAULT / "cats-dogs-effnet-sgd").classes == ("Cat", "Dog")


@pytest.mark.parametrize("module", [models, preprocessing])
def test_examples(module):
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0
