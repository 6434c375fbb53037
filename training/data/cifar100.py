"""CIFAR-100: 60,000 photographs of 32 x 32 pixels in 100 classes of 20 groups; 45,000 / 5,000 / 10,000.

Editions differ in the order of their rows, and file names are not unique, so a picture's identity is the sha256 of its
3,072 bytes, with a running number behind it for equal pictures. The official test split is as it is. Of each class
those 50 training pictures validate whose identity's sha256 comes first, but none of whose very pixels there is another
training picture: so exact duplicates, also across classes, never part.
"""

import collections
import hashlib
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np

from training.data.dataset import DataError, Dataset, Item

NAME = "cifar-100"
SIDE = 32
VALIDATION = 50  # pictures of each class
FILES = ("train", "test", "meta")
GROUPS = {
    "aquatic mammals": "beaver dolphin otter seal whale",
    "fish": "aquarium_fish flatfish ray shark trout",
    "flowers": "orchid poppy rose sunflower tulip",
    "food containers": "bottle bowl can cup plate",
    "fruit and vegetables": "apple mushroom orange pear sweet_pepper",
    "household electrical devices": "clock keyboard lamp telephone television",
    "household furniture": "bed chair couch table wardrobe",
    "insects": "bee beetle butterfly caterpillar cockroach",
    "large carnivores": "bear leopard lion tiger wolf",
    "large man-made outdoor things": "bridge castle house road skyscraper",
    "large natural outdoor scenes": "cloud forest mountain plain sea",
    "large omnivores and herbivores": "camel cattle chimpanzee elephant kangaroo",
    "medium mammals": "fox porcupine possum raccoon skunk",
    "non-insect invertebrates": "crab lobster snail spider worm",
    "people": "baby boy girl man woman",
    "reptiles": "crocodile dinosaur lizard snake turtle",
    "small mammals": "hamster mouse rabbit shrew squirrel",
    "trees": "maple_tree oak_tree palm_tree pine_tree willow_tree",
    "vehicles 1": "bicycle bus motorcycle pickup_truck train",
    "vehicles 2": "lawn_mower rocket streetcar tank tractor",
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split()}
NAMES = sorted(GROUP_OF)  # in the publisher's order
CLASSES = tuple(name.replace("_", " ") for name in NAMES)


def load(folder: Path | None, cache: Path, handful: int = 0) -> Dataset:
    """The data set.

    Args:
        folder: where the publisher's `cifar-100-python` lies, at its top or below; None: Keras downloads it.
        cache: not needed; the data are two files.
        handful: only so many pictures of each class and split, for trials of the machinery; drawn ones when no folder
            is given. 0: all.

    Raises:
        DataError: when there is no such data in the folder, or the download fails.
    """
    if folder:
        edition, rows = "publisher's (cifar-100-python)", read(folder)
    elif handful:
        edition, rows = "drawn", draw(2 * handful, handful)
    else:
        edition, rows = "Keras' (keras.datasets)", download()
    items = split(rows)
    if handful:
        items = {name: _handful(part, handful) for name, part in items.items()}
    trained = {item.digest for part in ("train", "validation") for item in items[part]}
    twins = frozenset(item.identity for item in items["test"] if item.digest in trained)
    groups = tuple(GROUP_OF[name] for name in NAMES)
    return Dataset(NAME, edition, CLASSES, items, groups=groups, twins=twins)


Rows = dict[str, tuple[np.ndarray, np.ndarray]]  # train and test: uint8 n x 32 x 32 x 3, int labels n


def split(rows: Rows) -> dict[str, tuple[Item, ...]]:
    """Items by split, whatever the order of the rows."""
    digests = {name: [hashlib.sha256(_bytes(picture)).hexdigest() for picture in rows[name][0]] for name in rows}
    copies: collections.Counter[str] = collections.Counter()
    items: dict[str, list[Item]] = {}
    for name in ("train", "test"):
        pictures, labels = rows[name]
        items[name] = []
        for digest, label, place in sorted(zip(digests[name], labels.tolist(), range(len(labels)), strict=True)):
            copies[digest] += 1
            identity = digest if copies[digest] == 1 else f"{digest}-{copies[digest]}"
            items[name].append(Item(identity, label, None, digest, pictures[place]))
    often = collections.Counter(digests["train"])
    ranked = sorted(items["train"], key=lambda item: hashlib.sha256(item.identity.encode()).hexdigest())
    validation: dict[int, list[Item]] = {label: [] for label in range(len(NAMES))}
    for item in ranked:
        if often[item.digest] == 1 and len(validation[item.label]) < VALIDATION:
            validation[item.label].append(item)
    chosen = {item.identity for part in validation.values() for item in part}
    return {
        "train": tuple(item for item in ranked if item.identity not in chosen),
        "validation": tuple(item for item in ranked if item.identity in chosen),
        "test": tuple(items["test"]),
    }


def _bytes(picture: np.ndarray) -> bytes:
    """A picture as the publisher's row: all red, all green, all blue."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)).tobytes()


def _handful(items: Iterable[Item], count: int) -> tuple[Item, ...]:
    taken: collections.Counter[int] = collections.Counter()
    chosen = []
    for item in items:
        taken[item.label] += 1
        if taken[item.label] <= count:
            chosen.append(item)
    return tuple(chosen)


# -- where it comes from ---------------------------------------------------------------------------------------------


def read(folder: Path) -> Rows:
    """The publisher's pickles below `folder`.

    Raises:
        DataError: when they are not there or not what they should be.
    """
    places = [folder, folder / "cifar-100-python", *sorted(folder.glob("*/cifar-100-python"))]
    place = next((place for place in places if all((place / name).is_file() for name in FILES)), None)
    if place is None:
        raise DataError(
            f"No CIFAR-100 in {folder}. Expected cifar-100-python/train, test and meta (the publisher's Python "
            "version, unpacked). Without --data-dir Keras downloads it."
        )
    try:
        rows = {name: _batch(_unpickle(place / name)) for name in ("train", "test")}
        names = [name.decode() for name in _unpickle(place / "meta")[b"fine_label_names"]]
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{place} holds no CIFAR-100, or it is damaged ({error}).") from error
    if names != NAMES:
        raise DataError(f"{place} has other classes than CIFAR-100.")
    return rows


class _Unpickler(pickle.Unpickler):
    """Arrays and plain values, nothing else: a pickle may ask for any code."""

    KNOWN: ClassVar = {
        ("_reconstruct", "multiarray"): np.zeros(0).__reduce__()[0],
        ("ndarray", "numpy"): np.ndarray,
        ("dtype", "numpy"): np.dtype,
        ("_frombuffer", "numeric"): np.zeros(1).__reduce_ex__(5)[0],
        ("encode", "_codecs"): lambda text, how: text.encode(how),
    }

    def find_class(self, module: str, name: str) -> object:
        try:
            return self.KNOWN[name, module.rpartition(".")[2]]
        except KeyError:
            raise DataError(f"the file asks for {module}.{name}, which no data need") from None


def _unpickle(path: Path) -> dict:
    with open(path, "rb") as file:
        return _Unpickler(file, encoding="bytes").load()


def _batch(batch: dict) -> tuple[np.ndarray, np.ndarray]:
    data = np.asarray(batch[b"data"])
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * SIDE * SIDE:
        raise DataError(f"data are {data.dtype} {data.shape}, not uint8 n x 3072")
    return _checked(data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1), np.asarray(batch[b"fine_labels"]))


def _checked(pictures: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = labels.astype(np.int64).ravel()
    if len(labels) != len(pictures) or set(labels.tolist()) != set(range(len(NAMES))):
        raise DataError("pictures of some class are missing, or a label is none of the hundred")
    return np.ascontiguousarray(pictures), labels


def download() -> Rows:
    """What Keras downloads, kept in its own folder."""
    import keras

    try:
        (train, fine_train), (test, fine_test) = keras.datasets.cifar100.load_data("fine")
    except Exception as error:
        raise DataError(
            f"CIFAR-100 could not be downloaded ({error}). Give a folder that holds cifar-100-python by --data-dir."
        ) from error
    return {"train": _checked(train, fine_train), "test": _checked(test, fine_test)}


def draw(train: int, test: int, seed: int = 0) -> Rows:
    """Stand-ins for photographs: each class a colour and the place of a square, with noise."""
    rng = np.random.default_rng(seed)
    rows = {}
    for name, count in (("train", train + VALIDATION), ("test", test)):
        labels = np.arange(len(NAMES)).repeat(count)
        pictures = rng.integers(0, 60, (len(labels), SIDE, SIDE, 3), np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            row, column = divmod(int(label), 10)
            picture[3 * row : 3 * row + 6, 3 * column : 3 * column + 6] += np.uint8((90, 120, 150))
        rows[name] = pictures, labels
    return rows
