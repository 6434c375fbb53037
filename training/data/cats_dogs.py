"""Cats vs Dogs: 25,000 labelled photographs, 17,000 / 4,000 / 4,000.

Two published layouts hold the same photographs under the same numbers: the publisher's `PetImages/{Cat,Dog}/N.jpg`
and the competition's `train/{cat,dog}.N.jpg`. A picture's identity is class and number: `cat/123`.
"""

import csv
import hashlib
import http.client
import re
import sys
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from training.data.dataset import SPLITS, DataError, Dataset, Item, atomically, index, make_split, progress, read_split

NAME = "cats-dogs"
CLASSES = ("Cat", "Dog")
URL = "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip"
BYTES = 824_887_076
SHA256 = "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9"
SPLIT_FILE = Path(__file__).with_name("cats_dogs_split.csv")
PER_CLASS = {"train": 8_500, "validation": 2_000, "test": 2_000}

LAYOUTS = {  # edition: (glob below the folder, pattern of the path's end)
    "publisher's (PetImages)": ("PetImages/*/*.jpg", re.compile(r"PetImages/(Cat|Dog)/(\d+)\.jpg$")),
    "competition's (train)": ("train/*.jpg", re.compile(r"train/(cat|dog)\.(\d+)\.jpg$")),
}


def find(folder: Path) -> tuple[str, list[Item]]:
    """Edition and pictures in `folder`, at its top or one level below.

    Raises:
        DataError: when neither layout is there.
    """
    for edition, (glob, pattern) in LAYOUTS.items():
        for start in ("", "*/"):
            items = []
            for path in folder.glob(start + glob):
                if match := pattern.search(path.as_posix()):
                    species = match[1].lower()
                    items.append(Item(f"{species}/{int(match[2])}", ("cat", "dog").index(species), path))
            if items:
                return edition, sorted(items, key=lambda item: item.identity)
    raise DataError(
        f"No Cats vs Dogs pictures in {folder}. Expected PetImages/Cat/0.jpg ... (the publisher's layout) or "
        "train/cat.0.jpg ... (the competition's). Without --data-dir they are downloaded."
    )


def load(folder: Path | None, cache: Path, handful: int = 0) -> Dataset:
    """The data set.

    Args:
        folder: where it lies; None: downloaded into `cache`.
        cache: where findings about the files are kept.
        handful: only so many pictures of each class and split, for trials of the machinery; drawn ones when no folder
            is given. 0: all.

    Raises:
        DataError: when there is no such data in the folder, or the download fails.
    """
    split = read_split(SPLIT_FILE)
    if handful:
        split = _handful(split, handful)
        folder = folder or draw(cache / "drawn", split)
    edition, all_items = find(folder or download(cache))
    readable, problems = index([item for item in all_items if item.identity in split], cache)
    by_identity = {item.identity: item for item in readable}
    items = {
        name: tuple(by_identity[identity] for identity in split if split[identity] == name and identity in by_identity)
        for name in SPLITS
    }
    if empty := [name for name in SPLITS if {item.label for item in items[name]} != {0, 1}]:
        raise DataError(f"{folder} holds no cats or no dogs of the {' and '.join(empty)} split; it seems incomplete.")
    return Dataset(NAME, edition, CLASSES, items, SPLIT_FILE, tuple(problems))


def _handful(split: dict[str, str], count: int) -> dict[str, str]:
    """The first so many identities of each class and split."""
    chosen: dict[str, str] = {}
    taken: dict[tuple[str, str], int] = {}
    for identity, name in split.items():
        key = identity.partition("/")[0], name
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= count:
            chosen[identity] = name
    return chosen


def download(cache: Path) -> Path:
    """Fetch and unpack the publisher's archive (787 MB) once; an interrupted download goes on where it was."""
    folder = cache / NAME
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "archive.zip"
    archive.touch()
    while (have := archive.stat().st_size) < BYTES:
        request = urllib.request.Request(URL, headers={"Range": f"bytes={have}-"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer, open(archive, "ab") as file:
                if answer.status != 206:  # the server sends the whole again
                    file.truncate(0)
                with progress(None, "downloading Cats vs Dogs", BYTES, initial=file.tell()) as bar:
                    while block := answer.read(1 << 20):
                        file.write(block)
                        bar.update(len(block))
                if file.tell() <= have:
                    raise ConnectionError("the server sends no more of it")
        except (OSError, http.client.HTTPException) as error:
            raise DataError(
                f"Cats vs Dogs could not be downloaded ({getattr(error, 'reason', error)}). Give a folder that holds "
                "it by --data-dir, or run again where there is a network: the download goes on where it stopped."
            ) from error
    with open(archive, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        archive.unlink()
        raise DataError("The downloaded archive is not the published one (its sha256 differs); run again.")
    with zipfile.ZipFile(archive) as pictures:
        for member in progress(pictures.infolist(), "unpacking"):
            if LAYOUTS["publisher's (PetImages)"][1].search("/" + member.filename):
                pictures.extract(member, folder)
    (folder / "complete").touch()
    archive.unlink()
    return folder


def draw(folder: Path, identities: Iterable[str], seed: int = 0) -> Path:
    """Draw stand-ins for photographs, in the publisher's layout: cats with pointed, dogs with hanging ears."""
    rng = np.random.default_rng(seed)
    for identity in identities:
        species, _, number = identity.partition("/")
        path = folder / "PetImages" / species.capitalize() / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), _face(("cat", "dog").index(species), rng))
    return folder


def _face(label: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.full((200, 200, 3), rng.integers(90, 220, 3), np.uint8)
    picture += rng.integers(0, 30, picture.shape, np.uint8)
    fur = [int(v) for v in rng.integers(20, 200, 3)]
    x, y = (int(v) for v in rng.integers(85, 115, 2))
    for side in (-1, 1):
        if label == 0:
            ear = [(x + side * 15, y - 30), (x + side * 45, y - 75), (x + side * 48, y - 5)]
            cv2.fillPoly(picture, [np.array(ear)], fur)
        else:
            cv2.ellipse(picture, (x + side * 48, y + 10), (14, 45), side * -12, 0, 360, [v // 2 for v in fur], -1)
    cv2.circle(picture, (x, y), 50, fur, -1)
    for side in (-1, 1):
        cv2.circle(picture, (x + side * 18, y - 10), 6, (0, 0, 0), -1)
    cv2.ellipse(picture, (x, y + 15), (8, 6), 0, 0, 360, (40, 40, 60), -1)
    return picture


def main() -> None:
    """Write the split file anew from the whole data: python -m training.data.cats_dogs FOLDER."""
    folder = Path(sys.argv[1])
    _, all_items = find(folder)
    digests = {item.identity: hashlib.sha256(item.path.read_bytes()).hexdigest() for item in all_items}
    rows: list[tuple[str, str]] = []
    for species in CLASSES:
        mine = {identity: digest for identity, digest in digests.items() if identity.startswith(species.lower())}
        rows += make_split(mine, PER_CLASS).items()

    def write(draft: Path) -> None:
        with open(draft, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("identity", "split"), *rows])

    atomically(SPLIT_FILE, write)


if __name__ == "__main__":
    main()
