"""Pictures of pets with what they show marked: the head's box and the animal's outline.

A folder of that form, made from Oxford-IIIT Pet (https://www.robots.ox.ac.uk/~vgg/data/pets/, CC BY-SA 4.0): its
pictures, and masks and boxes from `annotations/{trimaps,xmls}`.

    pictures/NAME.jpg
    masks/NAME.png      white: the animal and its outline
    heads.json          [{"name": NAME, "species": "cat" or "dog", "heads": [[x0, y0, x1, y1], ...]}, ...], in pixels
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from explain.pictures import PictureError, read
from training.data.dataset import DataError

NAME = "pets-with-heads"


@dataclass(frozen=True)
class Pet:
    """A picture, uint8 H x W x 3; where head and animal are, bool H x W each; the species' label (0 cat, 1 dog)."""

    name: str
    label: int
    pixels: np.ndarray
    head: np.ndarray
    animal: np.ndarray


@dataclass(frozen=True)
class Pets:
    """A folder of marked pictures, read one by one."""

    folder: Path
    entries: tuple[dict, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: int) -> Pet:
        """Raises DataError for a picture that is missing or broken."""
        entry = self.entries[place]
        name = entry["name"]
        try:
            pixels = read(self.folder / "pictures" / f"{name}.jpg").pixels
            with Image.open(self.folder / "masks" / f"{name}.png") as mask:
                animal = np.asarray(mask.convert("L")) > 127
        except (OSError, PictureError) as error:
            raise DataError(f"{NAME}: {name} cannot be read ({error}).") from error
        if animal.shape != pixels.shape[:2]:
            raise DataError(f"{NAME}: the mask of {name} is not of its picture's size.")
        head = np.zeros_like(animal)
        for x0, y0, x1, y1 in entry["heads"]:
            head[round(y0) : round(y1), round(x0) : round(x1)] = True
        return Pet(name, ("cat", "dog").index(entry["species"]), pixels, head, animal)

    @functools.cached_property
    def digest(self) -> str:
        """Hex sha256 over heads.json and every picture's and mask's file.

        Raises:
            DataError: for a file that is missing.
        """
        names = [entry["name"] for entry in self.entries]
        files = ["heads.json", *(f"pictures/{n}.jpg" for n in names), *(f"masks/{n}.png" for n in names)]
        try:
            lines = [f"{name} {hashlib.sha256((self.folder / name).read_bytes()).hexdigest()}\n" for name in files]
        except OSError as error:
            raise DataError(f"{NAME}: {error.filename} cannot be read.") from error
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def load(folder: Path) -> Pets:
    """The marked pictures in a folder.

    Raises:
        DataError: when it is not of that form.
    """
    try:
        entries = json.loads((folder / "heads.json").read_text(encoding="utf-8"))
        names = [(entry["name"], entry["species"], entry["heads"]) for entry in entries]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder} holds no {NAME} (heads.json with pictures/ and masks/ beside it).") from error
    if not names:
        raise DataError(f"{folder}/heads.json names no pictures.")
    return Pets(folder, tuple(entries))
