"""Publishes checkpoints and the page on a Hub of models: repositories with cards, and a Space that fetches them.

Who publishes is known to huggingface_hub itself ($HF_TOKEN, or its login): no token is an argument, so none is seen in
a list of processes, and none is written anywhere. What was published stands in `weights/hub.json`:

    {ID: {"repository": "OWNER/two-minds-ID", "revision": the commit, 40 hexadecimal digits}, ...}

From it `page.hub` fetches models that a folder lacks; what they must be is told by the digests in their cards.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from explain.cards import Card, Figures
from training import TrainingError
from training.data.dataset import atomically

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ROOT = Path(__file__).resolve().parents[1]
PINS = "hub.json"
LICENCE = "apache-2.0"
PYTHON = "3.12"
SUPPORTED = ("3.11", "3.12", "3.13")
PAGE = (
    "app.py",
    "LICENSE",
    "requirements.txt",
    "explain",
    "study",
    "page",
    "training",
    "examples",
    "evidence",
    "weights",
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")  # that a Space takes


class PublishError(TrainingError):
    """Something is not to be published as it is; the message says why."""


# --- models -----------------------------------------------------------------------------------------------------------


def publish_models(
    api: "HfApi", owner: str, weights: Path, ids: Iterable[str] = (), private: bool = False
) -> dict[str, dict[str, str]]:
    """Make a repository of each checkpoint, and pin what was made in `weights/hub.json`.

    Args:
        api: to the Hub.
        owner: whose repositories.
        weights: folder of checkpoints.
        ids: which; by default all.
        private: whether nobody else sees a new repository.

    Returns:
        Of each its repository and revision.
    """
    folders = sorted(path.parent for path in weights.glob("*/card.json"))
    chosen = list(ids) or [folder.name for folder in folders]
    if unknown := set(chosen) - {folder.name for folder in folders}:
        raise PublishError(f"There is no checkpoint {', '.join(sorted(unknown))} in {weights}.")
    cards = {model_id: Card.read(weights / model_id) for model_id in chosen}
    names = {model_id: f"{owner}/two-minds-{model_id}" for model_id in chosen}
    for name in names.values():
        if not REPOSITORY.fullmatch(name):
            raise PublishError(f"{name} is no name of a repository.")
    pins = read_pins(weights)
    for model_id, card in cards.items():
        api.create_repo(names[model_id], repo_type="model", private=private, exist_ok=True)
        with tempfile.TemporaryDirectory() as draft:
            for name in ("model.keras", "card.json"):
                if (weights / model_id / name).is_file():
                    shutil.copy(weights / model_id / name, Path(draft, name))
            Path(draft, "README.md").write_text(model_card(card, names[model_id]), encoding="utf-8")
            done = api.upload_folder(
                repo_id=names[model_id], folder_path=draft, repo_type="model", commit_message=f"{card.title}"
            )
        pins[model_id] = {"repository": names[model_id], "revision": done.oid}
        text = json.dumps(pins, indent=2, sort_keys=True) + "\n"
        atomically(weights / PINS, lambda path, text=text: path.write_text(text, encoding="utf-8"))
        print(f"{model_id}: {names[model_id]} at {done.oid[:12]}")
    return {model_id: pins[model_id] for model_id in chosen}


def read_pins(weights: Path) -> dict[str, dict[str, str]]:
    """What `hub.json` says; nothing where there is none."""
    try:
        return json.loads((weights / PINS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def model_card(card: Card, repository: str) -> str:
    """A checkpoint's README: figures with intervals, data, licence, how to load."""
    data = card.dataset.name if card.dataset else "not said"
    front: dict[str, Any] = {
        "license": LICENCE,
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["keras", "grad-cam", "explainability", "two-minds"],
    }
    if card.test.accuracy is not None:
        measured = {"type": "accuracy", "value": round(card.test.accuracy, 6), "name": "accuracy"}
        result = {
            "task": {"type": "image-classification"},
            "dataset": {"type": data, "name": data, "split": "test"},
            "metrics": [measured],
        }
        front["model-index"] = [{"name": card.model_id, "results": [result]}]
    height, width = card.input_size
    rows = "\n".join(_row(name, card.splits.get(name)) for name in ("train", "validation", "test"))
    loading = (
        "import keras\nfrom huggingface_hub import hf_hub_download\n\n"
        f'model = keras.saving.load_model(hf_hub_download("{repository}", "model.keras"))\n'
        f"model.predict(pictures)  # float or uint8, n x {height} x {width} x 3, RGB 0 to 255: probabilities"
    )
    if card.members:
        loading = "# softmax(log(mean of the members' probabilities) / temperature), of:\n# " + "\n# ".join(
            card.members
        )
    classes = ", ".join(card.classes[:12]) + (f" and {len(card.classes) - 12} more" if len(card.classes) > 12 else "")
    return "\n".join(
        [
            "---",
            yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip(),
            "---",
            f"# {card.title}",
            "",
            card.description,
            "",
            "| split | pictures | accuracy (95 % interval) | log loss | calibration error |",
            "|---|---|---|---|---|",
            rows,
            "",
            f"**Data**: {data}; its pictures are not part of this repository. **Classes**: {classes}.",
            "",
            f"**Weights to begin with**: {card.pretrained or 'drawn at random, or not said'}. "
            f"**sha256 of the file**: `{card.digests.model or 'none: an ensemble'}`.",
            "",
            "```python",
            loading,
            "```",
            "",
            "`card.json` has every setting of the training, versions, and the figures of each split. The licence of "
            "the weights is Apache-2.0; that of the data is its publisher's.",
            "",
        ]
    )


def _row(split: str, figures: Figures | None) -> str:
    if figures is None or figures.n is None:
        return f"| {split} | not measured | | | |"
    interval = figures.accuracy_interval
    accuracy = "" if figures.accuracy is None else f"{figures.accuracy:.2%}"
    accuracy += "" if interval is None else f" ({interval[0]:.2%} to {interval[1]:.2%})"
    more = ["" if value is None else f"{value:.3f}" for value in (figures.log_loss, figures.calibration_error)]
    return f"| {split} | {figures.n:,} | {accuracy} | {' | '.join(more)} |"


# --- the Space --------------------------------------------------------------------------------------------------------


def front_matter(models: Iterable[str], root: Path = ROOT) -> dict[str, Any]:
    """What a Space's README begins with."""
    return {
        "title": "Two Minds",
        "emoji": "🧠",
        "colorFrom": "indigo",
        "colorTo": "blue",
        "sdk": "gradio",
        "sdk_version": _pinned("gradio", root),
        "python_version": PYTHON,
        "app_file": "app.py",
        "license": LICENCE,
        "short_description": "What two models see in one picture",
        "models": sorted(models),
        "pinned": False,
    }


def checked(front: Mapping[str, Any], root: Path = ROOT) -> Mapping[str, Any]:
    """The same, if a Space of it would run as this page does; PublishError if not."""
    wrong = []
    if front.get("sdk") != "gradio" or front.get("sdk_version") != _pinned("gradio", root):
        wrong.append("sdk_version is not the gradio of requirements.txt")
    if front.get("python_version") not in SUPPORTED:
        wrong.append(f"python_version is none of {', '.join(SUPPORTED)}")
    if not (root / str(front.get("app_file"))).is_file():
        wrong.append("app_file is not there")
    if front.get("license") != LICENCE:
        wrong.append("the licence is another")
    if not 0 < len(str(front.get("short_description", ""))) <= 60:
        wrong.append("short_description has more than 60 characters")
    if not {front.get("colorFrom"), front.get("colorTo")} <= set(COLOURS):
        wrong.append("a colour that a Space does not have")
    models = front.get("models")
    if not isinstance(models, list) or not all(isinstance(name, str) and REPOSITORY.fullmatch(name) for name in models):
        wrong.append("a model that is no name of a repository")
    if wrong:
        raise PublishError("The front matter: " + "; ".join(wrong) + ".")
    return front


def space_folder(out: Path, weights: Path, root: Path = ROOT) -> Path:
    """Write a Space's files: the page, a README with front matter, and of the weights what no repository has.

    Args:
        out: a folder that is not there yet, or empty.
        weights: folder of checkpoints.
        root: of the project.
    """
    if out.exists() and any(out.iterdir()):
        raise PublishError(f"{out} is not empty.")
    out.mkdir(parents=True, exist_ok=True)
    pins = read_pins(weights)
    for name in PAGE:
        source = weights if name == "weights" else root / name
        if source.is_dir():
            shutil.copytree(source, out / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, out / name)
    for model_id in pins:
        (out / "weights" / model_id / "model.keras").unlink(missing_ok=True)
    front = checked(front_matter([pin["repository"] for pin in pins.values()], root), root)
    text = (root / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True)
    (out / "README.md").write_text(f"---\n{head}---\n\n{text}", encoding="utf-8")
    return out


def publish_space(api: "HfApi", name: str, weights: Path, private: bool = False, root: Path = ROOT) -> str:
    """Make a Space of the page, or bring it up to date; its revision."""
    if not REPOSITORY.fullmatch(name):
        raise PublishError(f"{name} is no name of a Space: OWNER/NAME.")
    with tempfile.TemporaryDirectory() as draft:
        folder = space_folder(Path(draft, "space"), weights, root)
        api.create_repo(name, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=name, folder_path=folder, repo_type="space", commit_message="The page", delete_patterns="*"
        )
    print(f"{name} at {done.oid[:12]}")
    return done.oid


def _pinned(package: str, root: Path) -> str:
    match = re.search(rf"^{package}==(\S+)$", (root / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise PublishError(f"requirements.txt does not pin {package}.")
    return match[1]
