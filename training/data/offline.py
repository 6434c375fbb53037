"""Augmented copies of training pictures, made once and kept in a folder: each picture's beside it, never of others.

    FOLDER/augmented.json           of what they were made, and how
    FOLDER/CLASS/IDENTITY-N.png     the picture's copy N (above 64 pixels: .jpg)

Which pictures have copies, and what each copy looks like, follows from identities and the seed alone: the same folder
is made on any day, in any order. Validation and test pictures have no copies.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np

from explain.pictures import fit
from training.data.augment import augment
from training.data.dataset import DataError, Dataset, Item, atomically, index, progress
from training.recipe import Augment

FORM = 1
MANIFEST = "augmented.json"
SIDE = 256  # most pixels of a copy's height and width; a training squashes pictures to squares in any case
LOSSLESS = 64  # pixels up to which copies are PNG; of photographs JPEG shows nothing
SETTINGS = Augment(  # flip, rotation, shift, crop, colour, contrast, noise, cut-out
    rotation=15,
    shift=0.1,
    crop=0.8,
    flip=True,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    noise=8,
    erase=0.5,
)


def plan(items: tuple[Item, ...], copies: float, seed: int) -> list[tuple[Item, int]]:
    """Which copies there are: (picture, number from 1) one after another.

    Args:
        items: training pictures.
        copies: of each picture, the same share of every class; 0.5: of every second one, drawn by the seed.
        seed: of the draw.
    """

    def rank(item: Item) -> str:
        return hashlib.sha256(f"{seed} {item.identity}".encode()).hexdigest()

    classes: dict[int, list[Item]] = {}
    for item in sorted(items, key=rank):
        classes.setdefault(item.label, []).append(item)
    planned = []
    for label in sorted(classes):
        mine = classes[label]
        planned += [(mine[k % len(mine)], k // len(mine) + 1) for k in range(round(copies * len(mine)))]
    return planned


def make(dataset: Dataset, copies: float, seed: int, folder: Path, settings: Augment = SETTINGS) -> Path:
    """Make a folder of augmented copies; copies that are there stay, so that an interrupted making goes on.

    Args:
        dataset: whose training pictures are copied.
        copies: of each picture.
        seed: of all draws.
        folder: where they go.
        settings: what is done to them; a batch has no mixtures here.

    Returns:
        The folder.

    Raises:
        DataError: when it holds other copies.
    """
    about = manifest(dataset, copies, seed, settings)
    path, begun = folder / MANIFEST, folder / "unfinished.json"
    for there in (path, begun):
        if there.exists() and read_manifest(there) != about:
            raise DataError(f"{folder} holds copies of other pictures, or made otherwise. Give another folder.")
    if path.exists():
        return folder
    if not begun.exists() and folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty. Give another folder.")
    atomically(begun, lambda draft: draft.write_text(json.dumps(about, indent=2) + "\n"))
    planned = plan(dataset.items["train"], copies, seed)

    def write(job: tuple[Item, int]) -> None:
        item, number = job
        file = folder / _name(dataset, item, number)
        if not file.exists():
            content = _encoded(_copy(item, number, seed, settings), file.suffix)
            atomically(file, lambda draft: draft.write_bytes(content))

    with ThreadPoolExecutor() as pool:
        for _ in progress(pool.map(write, planned), "augmenting", len(planned)):
            pass
    begun.replace(path)  # last: from here on it is whole
    return folder


def manifest(dataset: Dataset, copies: float, seed: int, settings: Augment = SETTINGS) -> dict:
    """What a folder of copies says of itself."""
    lines = sorted(f"{item.identity} {item.digest}\n" for item in dataset.items["train"])
    return {
        "form": FORM,
        "data": dataset.name,
        "pictures": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "copies": copies,
        "seed": seed,
        "augment": asdict(settings),
    }


def read_manifest(path: Path) -> dict:
    """What stands in a manifest.

    Raises:
        DataError: when it cannot be read.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}).") from error


def key(dataset: Dataset, copies: float, seed: int) -> str:
    """A folder's name in the cache."""
    about = json.dumps(manifest(dataset, copies, seed), sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()[:16]


def add(dataset: Dataset, copies: float, folder: Path, cache: Path) -> Dataset:
    """The data set with the copies of a folder behind its training pictures.

    Args:
        dataset: the very pictures that were copied.
        copies: of each picture, as the recipe says.
        folder: made by `make`.
        cache: where findings about the files are kept.

    Raises:
        DataError: when the folder is not whole, or holds other copies than these.
    """
    if not (folder / MANIFEST).exists():
        raise DataError(f"{folder} holds no augmented pictures (no {MANIFEST}); python -m training augment makes them.")
    about = read_manifest(folder / MANIFEST)
    seed = about.get("seed")
    wanted = manifest(dataset, copies, seed)
    if differing := [name for name in wanted if name != "augment" and about.get(name) != wanted[name]]:
        said = ", ".join(f"{name} {about.get(name)}, not {wanted[name]}" for name in differing)
        raise DataError(f"{folder} holds copies of other pictures, or made otherwise ({said}).")
    items = []
    for item, number in plan(dataset.items["train"], copies, seed):
        path = folder / _name(dataset, item, number)
        if not path.exists():
            raise DataError(f"{folder} is not whole: {path.relative_to(folder)} is missing. Make it anew.")
        items.append(Item(f"{item.identity}~{number}", item.label, path))
    readable, problems = index(items, cache)
    if len(readable) < len(items):
        raise DataError(f"{folder} holds a broken copy: {problems[0][0]}, {problems[0][1]}. Make it anew.")
    return replace(dataset, items={**dataset.items, "train": (*dataset.items["train"], *readable)})


def _name(dataset: Dataset, item: Item, number: int) -> str:
    small = item.pixels is not None and max(item.pixels.shape[:2]) <= LOSSLESS
    label = dataset.classes[item.label].replace(" ", "_")
    return f"{label}/{item.identity.replace('/', '-')}-{number}.{'png' if small else 'jpg'}"


def _copy(item: Item, number: int, seed: int, settings: Augment) -> np.ndarray:
    """The picture's copy, uint8 side x side x 3."""
    picture = item.read()
    side = min(max(picture.shape[:2]), SIDE)
    picture = fit(picture, tuple(np.minimum(picture.shape[:2], side)))
    drawn = int(hashlib.sha256(f"{item.identity} {number}".encode()).hexdigest()[:15], 16)
    size = np.array([picture.shape[:2]], np.int32)
    copies, _ = augment(picture[None], size, np.zeros((1, 1), np.float32), drawn, settings, side, seed)
    return np.rint(copies[0]).astype(np.uint8)


def _encoded(picture: np.ndarray, suffix: str) -> bytes:
    how = [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == ".jpg" else []
    return cv2.imencode(suffix, np.ascontiguousarray(picture[..., ::-1]), how)[1].tobytes()
