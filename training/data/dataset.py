"""What every data set gives a training: pictures by split, a digest, and uint8 arrays of any size, made once."""

import csv
import hashlib
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from explain.pictures import PictureError, fit, read
from training import TrainingError

SPLITS = ("train", "validation", "test")


class DataError(TrainingError):
    """Data are missing or are not what they should be; the message says what to do."""


@dataclass(frozen=True)
class Item:
    """One labelled picture: a file, or pixels where a data set holds no files.

    Attributes:
        identity: the same in every edition of the data set.
        label: of its class.
        path: of its file; None: there is none.
        digest: hex sha256 of its content.
        pixels: uint8 H x W x 3 where there is no file.
    """

    identity: str
    label: int
    path: Path | None
    digest: str = ""
    pixels: np.ndarray | None = field(default=None, compare=False, repr=False)

    def read(self) -> np.ndarray:
        """The picture, uint8 H x W x 3."""
        return read(self.path).pixels if self.pixels is None else self.pixels


@dataclass(frozen=True)
class Dataset:
    """Pictures by split.

    Attributes:
        name, edition: which data, and in which layout they were found.
        classes: class names; labels index them.
        items: for each split its pictures, in the split file's order.
        split_file: where the split stands, if it is in a file.
        problems: (identity, what was wrong and what was done) of every picture that was left out or converted.
        groups: for each class the name of the group that it belongs to; empty where there are no groups.
        twins: identities of test pictures whose very pixels are in the training pictures too.
    """

    name: str
    edition: str
    classes: tuple[str, ...]
    items: dict[str, tuple[Item, ...]]
    split_file: Path | None = None
    problems: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    twins: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Hex sha256 over identities and file contents of all splits, whatever the layout."""
        lines = sorted(f"{item.identity} {item.digest}\n" for split in self.items.values() for item in split)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def labels(self, split: str) -> np.ndarray:
        """int32 labels of a split."""
        return np.array([item.label for item in self.items[split]], np.int32)


def with_validation(dataset: Dataset, count: int) -> Dataset:
    """The same pictures, so many of each class validating: those that do in any case, and then training pictures.

    Training pictures follow in their order; one whose very pixels there is another of among them stays.

    Raises:
        DataError: when a class has not enough pictures, or already more that validate.
    """
    often = Counter(item.digest for item in dataset.items["train"])
    validating = Counter(item.label for item in dataset.items["validation"])
    moved = set()
    for item in dataset.items["train"]:
        if often[item.digest] == 1 and validating[item.label] < count:
            validating[item.label] += 1
            moved.add(item.identity)
    stay = tuple(item for item in dataset.items["train"] if item.identity not in moved)
    if set(validating.values()) != {count} or {item.label for item in stay} != set(range(len(dataset.classes))):
        raise DataError(f"{dataset.name} cannot have {count} validating and some training pictures in each class.")
    more = tuple(item for item in dataset.items["train"] if item.identity in moved)
    parts = {"train": stay, "validation": (*dataset.items["validation"], *more)}
    return replace(dataset, items={**dataset.items, **parts})


def atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, then put it in place in one step, so that no half file is ever seen.

    Nor is one left behind: not by an error, and what a killed process left goes with the next writing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):
        if left.suffix[1:].isdigit() and not _runs(int(left.suffix[1:])):
            left.unlink(missing_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(draft)
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class _Lines(io.TextIOBase):
    """Standard error for bars that nobody watches: a line each, where tqdm would overwrite the last one."""

    def write(self, text: str) -> int:
        if line := text.strip():
            print(line, file=sys.stderr, flush=True)
        return len(text)


def progress(steps: Iterable | None, what: str, total: int | None = None, initial: int = 0) -> tqdm:
    """A bar with the time left; one line a half minute where nobody watches.

    `initial`: what was done before and says nothing about the speed.
    """
    if os.isatty(2):
        return tqdm(steps, what, total, initial=initial, dynamic_ncols=True)
    return tqdm(
        steps, what, total, file=_Lines(), mininterval=30, maxinterval=60, ascii=True, ncols=100, initial=initial
    )


# -- splits ----------------------------------------------------------------------------------------------------------


def make_split(digests: dict[str, str], shares: dict[str, int]) -> dict[str, str]:
    """Divide one class.

    Identities are ranked by the sha256 of the identity; exact duplicates follow the first of their kind directly, and
    stay on its side also where the border would part them.

    Args:
        digests: sha256 of the file by identity.
        shares: how many go to each split, in order; the last takes the rest.
    """

    def rank(identity: str) -> str:
        return hashlib.sha256(identity.encode()).hexdigest()

    first: dict[str, str] = {}
    for identity in sorted(digests, key=rank):
        first.setdefault(digests[identity], identity)
    ranked = sorted(digests, key=lambda identity: (rank(first[digests[identity]]), rank(identity)))
    borders = np.cumsum(list(shares.values()))[:-1]
    split = {identity: list(shares)[int(np.searchsorted(borders, i, "right"))] for i, identity in enumerate(ranked)}
    return {identity: split[first[digests[identity]]] for identity in ranked}


def read_split(path: Path) -> dict[str, str]:
    """Split by identity, from a CSV with the columns identity and split."""
    with open(path, newline="") as file:
        return {row["identity"]: row["split"] for row in csv.DictReader(file)}


# -- checking every file once ----------------------------------------------------------------------------------------


def index(items: Sequence[Item], cache: Path) -> tuple[list[Item], list[tuple[str, str]]]:
    """Read every file once: its digest, and whether it is a picture.

    The findings are kept in `cache`, and hold as long as names, sizes and times of the files do.

    Returns:
        The readable items with digests, and (identity, what was wrong) for the others and for converted ones.
    """
    stats = [item.path.stat() for item in items]
    key = hashlib.sha256(
        "".join(
            f"{item.identity} {item.path} {stat.st_size} {stat.st_mtime_ns}\n"
            for item, stat in zip(items, stats, strict=True)
        ).encode()
    ).hexdigest()
    kept = cache / f"index-{key[:16]}.json"
    if kept.exists():
        findings = json.loads(kept.read_text())
    else:
        with ThreadPoolExecutor() as pool:
            findings = list(
                progress(pool.map(_inspect, (item.path for item in items)), "checking pictures", len(items))
            )
        atomically(kept, lambda draft: draft.write_text(json.dumps(findings)))
    readable, problems = [], []
    for item, (digest, problem, usable) in zip(items, findings, strict=True):
        if problem:
            problems.append((item.identity, problem))
        if usable:
            readable.append(Item(item.identity, item.label, item.path, digest))
    return readable, problems


def _inspect(path: Path) -> tuple[str, str, bool]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    try:
        read(content)
    except PictureError as error:
        return digest, f"left out: {error}", False
    with Image.open(path) as picture:
        mode = picture.mode
    return digest, "" if mode == "RGB" else f"converted to RGB from {mode}", True


# -- arrays ----------------------------------------------------------------------------------------------------------


def pixels(items: Sequence[Item], size: int, cache: Path) -> np.ndarray:
    """All pictures squashed to size x size, decoded once and kept in `cache`.

    Returns:
        uint8, len(items) x size x size x 3, mapped from the file.
    """
    return _kept(items, size, f"pixels-{size}", cache, lambda picture: (size, size))[0]


def pixels_up_to(items: Sequence[Item], size: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """All pictures squashed to size x size, but none above its own size: what is blown up only loses sharpness.

    Returns:
        uint8, len(items) x side x side x 3, mapped from a file in `cache`: each picture in the upper left corner; and
        int32, len(items) x 2: its height and width there.
    """
    return _kept(items, size, f"pixels-up-to-{size}", cache, lambda picture: np.minimum(picture.shape[:2], size))


def kept(items: Sequence[Item], name: str, cache: Path) -> Path:
    """The file of decoded pictures in `cache`, whether it is there or not."""
    key = hashlib.sha256("".join(f"{item.identity} {item.digest}\n" for item in items).encode()).hexdigest()
    return cache / f"{name}-{key[:16]}.npy"


def _kept(
    items: Sequence[Item], size: int, name: str, cache: Path, wanted: Callable[[np.ndarray], Sequence[int]]
) -> tuple[np.ndarray, np.ndarray]:
    path = kept(items, name, cache)
    sizes_path = path.with_suffix(".sizes.npy")
    if not (path.exists() and sizes_path.exists()):
        sizes = np.zeros((len(items), 2), np.int32)

        def write(draft: Path) -> None:
            array = np.lib.format.open_memmap(draft, "w+", np.uint8, (len(items), size, size, 3))

            def decode(place: int) -> None:
                picture = items[place].read()
                height, width = sizes[place] = wanted(picture)
                array[place, :height, :width] = fit(picture, (height, width))

            with ThreadPoolExecutor() as pool:
                for _ in progress(pool.map(decode, range(len(items))), f"decoding to {size} pixels", len(items)):
                    pass
            array.flush()

        def write_sizes(draft: Path) -> None:
            with open(draft, "wb") as file:
                np.save(file, sizes)

        atomically(path, write)
        atomically(sizes_path, write_sizes)
    return np.load(path, mmap_mode="r"), np.load(sizes_path)
