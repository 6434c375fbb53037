"""Checkpoints of many classes for the page's tests, with predictions that are known cell by cell."""

import json
from pathlib import Path

import numpy as np
from judges import colour_judge, ship
from studied import save

GROUPS, EACH = 20, 5  # superclasses, and classes in each
CLASSES = tuple(f"{chr(97 + k // EACH)} thing {k % EACH}" for k in range(GROUPS * EACH))
GROUP_OF = tuple(f"{chr(97 + k // EACH)} things" for k in range(GROUPS * EACH))
ORDER = np.random.default_rng(5).permutation(len(CLASSES))  # of a card's classes: by no group
PICTURES = 20  # test pictures a class


def probabilities(predicted: np.ndarray, sure: np.ndarray, count: int) -> np.ndarray:
    """Of n pictures: `sure` for the predicted class, the rest evenly."""
    table = np.repeat(((1 - sure) / (count - 1))[:, None], count, 1)
    table[np.arange(len(predicted)), predicted] = sure
    return table.astype(np.float32)


def write(folder: Path, labels: np.ndarray, predicted: np.ndarray, sure: np.ndarray, count: int) -> None:
    """A checkpoint's predictions.npz."""
    names = [f"picture-{k}" for k in range(len(labels))]
    arrays = {"identities": names, "digests": names, "labels": labels}
    save(folder / "evaluation" / "predictions.npz", **arrays, probabilities=probabilities(predicted, sure, count))


def drawn(errors: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predicted classes (by place in CLASSES) and probabilities; wrong answers mostly fall in the group."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(CLASSES)), PICTURES)
    near = labels // EACH * EACH + (labels % EACH + draw.integers(1, EACH, len(labels))) % EACH
    far = (labels + draw.integers(1, len(CLASSES), len(labels))) % len(CLASSES)
    hard = errors * draw.uniform(0.2, 1.8, len(CLASSES))[labels]
    wrong = draw.random(len(labels)) < hard
    predicted = np.where(wrong, np.where(draw.random(len(labels)) < 0.6, near, far), labels)
    return labels, predicted, np.where(wrong, draw.uniform(0.3, 0.9, len(labels)), draw.uniform(0.5, 1, len(labels)))


MODELS = {
    "many-plain": ("Plain CNN", 0.4),
    "many-first": ("EfficientNet, first", 0.25),
    "many-second": ("EfficientNet, second", 0.3),
}
# Of many-plain: first and second class (places in CLASSES), and how often each is taken for the other
PAIR = (7, 8, 9, 2)


def crowd(folder: Path) -> None:
    """Three models of a hundred classes in a folder, and an ensemble of two of them."""
    place = np.argsort(ORDER)  # of a class in the card
    names, groups = [[table[k] for k in ORDER] for table in (CLASSES, GROUP_OF)]

    def told(model_id: str, seed: int, errors: float, members: list[str] | None = None) -> None:
        labels, predicted, sure = drawn(errors, seed)
        first, second, there, back = PAIR
        if model_id == "many-plain":
            for a, b, count in ((first, second, there), (second, first, back)):
                predicted[labels == a] = np.where(np.arange(PICTURES) < count, b, a)
        write(folder / model_id, place[labels], place[predicted], sure, len(CLASSES))
        path = folder / model_id / "card.json"
        card = json.loads(path.read_text()) | {"groups": groups, "dataset": {"name": "cifar-100"}}
        card["splits"]["test"] |= {"n": len(labels), "accuracy": round(float((labels == predicted).mean()), 6)}
        if members:
            card |= {"members": members, "temperature": 0.9}
        path.write_text(json.dumps(card))

    for seed, (model_id, (title, errors)) in enumerate(MODELS.items()):
        ship(folder, model_id, title, colour_judge(10 + seed, 4.0, len(CLASSES)), tuple(names))
        told(model_id, seed, errors)
    ship(folder, "many-together", "Two together", colour_judge(10, 4.0, len(CLASSES)), tuple(names))
    (folder / "many-together" / "model.keras").unlink()
    card = json.loads((folder / "many-together" / "card.json").read_text())
    del card["digests"]
    (folder / "many-together" / "card.json").write_text(json.dumps(card))
    told("many-together", 7, 0.2, ["many-first", "many-second"])
    rows = ["member,accuracy,without,together", "many-first,0.75,0.70,0.80", "many-second,0.70,0.81,0.80"]
    (folder / "many-together" / "evaluation" / "members.csv").write_text("\n".join(rows) + "\n")


STEP = {
    "test": {"n": 10000, "accuracy": 0.41, "accuracy_interval": [0.40, 0.42]},
    "validation": {"n": 5000, "accuracy": 0.4},
    "parameters": 123456,
    "seconds": 754,
    "epochs": 10,
    "hardware": "A processor, 2 cores",
    "revision": "abc",
}
SIMPLE = {"id": "cifar100-ladder-simple", "title": "Ladder: simple", "adds": "three convolutions"}
LENET = {"id": "cifar100-ladder-lenet", "title": "Ladder: lenet", "adds": "LeNet-5", "seconds": 7300, "epochs": 1}
RESIDUAL = {"id": "cifar100-ladder-residual", "title": "Ladder: residual", "adds": "shortcuts", "seconds": 31}
STEPS = [STEP | SIMPLE, STEP | LENET, STEP | RESIDUAL]


def flat(folder: Path) -> None:
    """A model of thirty classes and one of three, without groups."""
    for model_id, count in (("flat-thirty", 30), ("flat-three", 3)):
        names = tuple(f"kind {k:02}" for k in range(count))
        ship(folder, model_id, f"Flat, {count}", colour_judge(20, 4.0, count), names)
        labels = np.repeat(np.arange(count), 10)
        predicted = np.where(np.arange(len(labels)) % 10 < 7, labels, (labels + 1) % count)  # three of ten: the next
        write(folder / model_id, labels, predicted, np.full(len(labels), 0.8), count)
