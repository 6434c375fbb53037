"""Small pictures of the experiments for the empty page: what each model of one sees in its first example.

`python -m page.previews` makes those that are missing, `examples/previews/ID-DIGEST.webp`: a row of cells, one a model.
The digest is of the models' files and the example, so that a picture of an earlier model is not shown.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from explain.agreement import density
from explain.overlay import colours, stretch
from explain.pictures import fit, resize
from page.examples import ordered
from page.service import ROOT, Service
from study.experiments import Experiment

FOLDER = "previews"
CELLS = {2: (116, 160), 3: (116, 160)}  # width and height of a cell by number of models
CELL = (80, 80)  # of more models
SCALE = 2  # pixels of a file by pixel of the page
OPACITY = 0.62


def example_of(service: Service, experiment: Experiment) -> str:
    """The example that is shown: the first that fits."""
    return ordered(service.examples, experiment.examples, service.cards[experiment.models[0]].classes)[0]


def file_of(service: Service, experiment: Experiment) -> Path:
    """Where an experiment's picture lies, if it was made of these models."""
    digests = [service.cards[model_id].digests.model for model_id in experiment.models]
    content = "\n".join(
        [*digests, *(ordered(service.examples, experiment.examples, service.cards[experiment.models[0]].classes)[:1])]
    )
    return service.pictures / FOLDER / f"{experiment.id}-{hashlib.sha256(content.encode()).hexdigest()[:8]}.webp"


def drawn(service: Service, experiment: Experiment) -> Image.Image:
    """Of each model a cell: its last map over the example, all cut alike, around where the models look."""
    picture = service.example(example_of(service, experiment)).pixels
    wide, high = CELLS.get(len(experiment.models), CELL)
    maps = []
    for model_id in experiment.models:
        _, explanation = service._explained(model_id, lambda size: fit(picture, size))
        maps.append(np.maximum(explanation.map(), 0))
    height, width = picture.shape[:2]
    heat = sum((density(each, (64, 64)) for each in maps if each.any()), np.zeros((64, 64)))
    scale = max(wide * SCALE / width, high * SCALE / height)
    size = max(high * SCALE, round(height * scale)), max(wide * SCALE, round(width * scale))
    small = fit(picture, size)
    top, left = (
        int(np.clip(round(centre * side - part / 2), 0, side - part))
        for centre, side, part in zip(_centre(heat), size, (high * SCALE, wide * SCALE), strict=True)
    )
    cells = [over(small, each)[top : top + high * SCALE, left : left + wide * SCALE] for each in maps]
    return Image.fromarray(np.concatenate(cells, axis=1))


def over(picture: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """As the page draws it: where there is no heat the picture stays as it is."""
    heat = resize(stretch(heatmap), picture.shape[:2])[..., None]
    veil = OPACITY * np.minimum(1, (2.6 * heat) ** 0.85)
    return np.rint((1 - veil) * picture + veil * colours(heat[..., 0], "viridis")).astype(np.uint8)


def _centre(heat: np.ndarray) -> tuple[float, float]:
    """Mean place of a map, (y, x) as shares; the middle where there is none."""
    heat = np.asarray(heat, float)
    if not heat.sum() > 0:
        return 0.5, 0.5
    y, x = (np.arange(side) + 0.5 for side in heat.shape)
    return float((heat.sum(1) * y).sum() / heat.sum() / len(y)), float((heat.sum(0) * x).sum() / heat.sum() / len(x))


def main() -> None:
    """Make what is missing, and take away what is of earlier models."""
    service = Service(examples=Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples")
    folder = service.pictures / FOLDER
    folder.mkdir(exist_ok=True)
    paths = {file_of(service, experiment): experiment for experiment in service.experiments}
    for path in folder.glob("*.webp"):
        if path not in paths:
            path.unlink()
    for path, experiment in paths.items():
        if not path.is_file():
            drawn(service, experiment).save(path, "WEBP", quality=80, method=6)
            print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
