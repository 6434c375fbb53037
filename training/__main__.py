"""Trainings: list the recipes, run one, search its rate, augment a data set, ship a checkpoint, measure it again."""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from explain.cards import Card, Figures
from explain.errors import UserError
from explain.pictures import PictureError, read
from training import TrainingError
from training.recipe import (
    Data,
    Recipe,
    RecipeError,
    all_ensembles,
    all_recipes,
    find,
    find_ensemble,
    from_settings,
    override,
)

WEIGHTS = Path(__file__).parents[1] / "weights"
HANDFUL = 8  # pictures of each class and split in a smoke run
SMALL = 80  # most pixels in a smoke run: as few as every network takes


def parser() -> argparse.ArgumentParser:
    """The command line."""
    runs = argparse.ArgumentParser(add_help=False)
    runs.add_argument(
        "--runs-dir",
        type=Path,
        default=Path(os.environ.get("TWO_MINDS_RUNS", "runs")),
        help="where run folders and decoded pictures lie (default: $TWO_MINDS_RUNS, else ./runs)",
    )
    data = argparse.ArgumentParser(add_help=False, parents=[runs])
    data.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("TWO_MINDS_DATA"),
        help="folder that holds the data set (default: $TWO_MINDS_DATA, else it is downloaded)",
    )
    weights = argparse.ArgumentParser(add_help=False)
    weights.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of checkpoints (default: weights/)")

    main = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", parents=[runs, weights], help="the recipes, and how far each has come")

    run = commands.add_parser(
        "run", parents=[data], help="train a recipe to its end, from wherever it was interrupted; export and measure it"
    )
    run.add_argument("recipe", nargs="?", help="id of a recipe (see list)")
    run.add_argument(
        "--card",
        type=Path,
        metavar="FILE",
        help="in place of a recipe: train a checkpoint again, by all the settings that its card.json holds",
    )
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting; repeatable")
    run.add_argument("--name", help="of the run folder (default: the recipe's id)")
    run.add_argument("--fresh", action="store_true", help="start anew: delete the run folder first")
    run.add_argument(
        "--trial",
        action="store_true",
        help="train and validate only, to try settings: nothing is exported, and the test split stays unseen",
    )
    run.add_argument(
        "--validations",
        type=int,
        default=1,
        metavar="N",
        help="validate so often an epoch, for a finer history; the training is the same (default: 1)",
    )
    run.add_argument(
        "--save-every", type=float, default=120, metavar="SECONDS", help="between savings of the state (default: 120)"
    )
    run.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the history for TensorBoard, too (tensorboard --logdir runs); history.csv is written always",
    )
    run.add_argument(
        "--maps",
        nargs="+",
        type=Path,
        default=[],
        metavar="PICTURE",
        help="write Grad-CAMs of these pictures for TensorBoard at every epoch, too; with it comes --tensorboard",
    )
    run.add_argument(
        "--devices",
        type=int,
        default=1,
        metavar="N",
        help="GPUs of this machine to train on, the batch dealt out to them (TensorFlow backend; default: 1)",
    )
    run.add_argument(
        "--deterministic", action="store_true", help="the same bits on the same machine each time; somewhat slower"
    )
    run.add_argument(
        "--augmented",
        type=Path,
        metavar="DIR",
        help="the copies that augment made, for a recipe with data.copies (default: they are made in the cache)",
    )
    run.add_argument(
        "--smoke",
        action="store_true",
        help=f"the whole way in about a minute: {HANDFUL} pictures of each class and split (drawn ones without "
        f"--data-dir), at most {SMALL} pixels, a few steps in each stage; the run folder is called ID-smoke",
    )

    search = commands.add_parser("search", parents=[data], help="try a recipe's learning rates, judged on validation")
    search.add_argument("recipe", help="id of a recipe (see list)")
    search.add_argument("--fresh", action="store_true", help="begin all trials anew")

    augment = commands.add_parser(
        "augment",
        parents=[data],
        help="write augmented copies of a data set's training pictures into a folder: flipped, rotated, shifted, "
        "cropped, with parts cut out, other colours and contrast, and noise; the same for the same seed",
    )
    augment.add_argument("folder", type=Path, help="where they go; run reads them by --augmented")
    augment.add_argument("--data", default=Data().name, help="the data set's name (default: %(default)s)")
    augment.add_argument(
        "--copies",
        type=_share,
        default=1.0,
        metavar="N",
        help="of each picture, as 1, 0.5 or 2/3; beside its picture a training sees so many (default: 1)",
    )
    augment.add_argument("--seed", type=int, default=1, help="of all draws (default: 1)")
    augment.add_argument(
        "--validation",
        type=int,
        default=0,
        metavar="N",
        help="split as by data.validation=N, so many pictures of each class having no copy (default: the data set's)",
    )

    ship = commands.add_parser("ship", parents=[runs, weights], help="put a finished run's checkpoint into weights/")
    ship.add_argument("run", help="name of the run folder")

    publish = commands.add_parser(
        "publish",
        parents=[weights],
        help="make repositories of checkpoints, and a Space of the page, on a Hub of models ($HF_TOKEN, or its login)",
    )
    publish.add_argument("--models", metavar="OWNER", help="a repository of each checkpoint: OWNER/two-minds-ID")
    publish.add_argument("--only", nargs="+", default=[], metavar="ID", help="which checkpoints (default: all)")
    publish.add_argument("--space", metavar="OWNER/NAME", help="the page as a Space; it fetches what repositories hold")
    publish.add_argument("--out", type=Path, metavar="DIR", help="write the Space's files here, and send nothing")
    publish.add_argument("--private", action="store_true", help="what is new is seen by its owner alone")

    evaluate = commands.add_parser(
        "evaluate", parents=[data, weights], help="measure a shipped checkpoint again and hold it against its card"
    )
    evaluate.add_argument("id", help="of the checkpoint")
    evaluate.add_argument("--split", action="append", choices=("train", "validation", "test"), help="default: test")

    evaluate.add_argument(
        "--flips", action="store_true", help="the mean of each picture's answer and its mirror's, which no card gives"
    )

    ensemble = commands.add_parser(
        "ensemble", parents=[data, weights], help="put shipped checkpoints together as one, and measure it"
    )
    ensemble.add_argument("id", help="of the ensemble (see list)")
    return main


def _share(text: str) -> float:
    """A number of copies, fractions too."""
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        value = 0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, as 1, 0.5 or 2/3")
    return value


def main() -> int:
    """Command line; returns the exit code."""
    arguments = parser().parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # a log holds every line, also of a training that is killed
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # by itself only where a processor has AVX-512; without that it makes training half as fast again, too
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        return COMMANDS[arguments.command](arguments)
    except KeyboardInterrupt:
        goes_on = {"run": " from the last saved state", "search": " with the trial it was at"}.get(arguments.command)
        without = ", without --fresh," if getattr(arguments, "fresh", False) else ""
        advice = f" The same command{without} goes on{goes_on}." if goes_on else ""
        print(f"\nInterrupted.{advice}", file=sys.stderr)
        return 130
    except Exception as error:
        if not isinstance(error, UserError):
            raise
        print(error, file=sys.stderr)
        return 2


def list_recipes(arguments: argparse.Namespace) -> int:
    """Recipes with their lengths and states."""
    for recipe in all_recipes().values():
        run = arguments.runs_dir / recipe.id
        states = [
            "shipped" if (arguments.weights / recipe.id / "card.json").exists() else "",
            "run finished" if (run / "card.json").exists() else "run begun" if (run / "recipe.json").exists() else "",
        ]
        stages = " then ".join(f"{epochs} epochs at {size} px" for size, epochs in recipe.stages)
        print(f"{recipe.id:30} {', '.join(filter(None, states))}\n    {recipe.description}\n    {stages}\n")
    for together in all_ensembles().values():
        state = "shipped" if (arguments.weights / together.id / "card.json").exists() else ""
        print(f"{together.id:30} {state}\n    {together.description}\n    of {', '.join(together.members)}\n")
    return 0


def smoke_version(recipe: Recipe) -> Recipe:
    """The same recipe, two epochs of three small steps in each stage, of small pictures, split as a handful is."""
    stages = tuple((min(size, SMALL), 2) for size, _ in recipe.stages)
    batch = min(recipe.batch, 2 * HANDFUL)
    return replace(recipe, stages=stages, batch=batch, steps_per_epoch=3, data=replace(recipe.data, validation=0))


def run(arguments: argparse.Namespace) -> int:
    """Train, export, measure."""
    # TensorFlow, which takes seconds to import, only after what is refused at once; so in every command
    if bool(arguments.recipe) == bool(arguments.card):
        raise RecipeError("Name a recipe (see list), or a card by --card; not both.")
    recipe = _of_card(arguments.card) if arguments.card else find(arguments.recipe)
    recipe = override(smoke_version(recipe) if arguments.smoke else recipe, arguments.set)
    if arguments.validations < 1:
        raise RecipeError("--validations must be 1 or more.")
    name = arguments.name or recipe.id + ("-smoke" if arguments.smoke else "")
    if not re.fullmatch(r"\w[\w.-]*", name) or name in ("cache", "search"):
        raise RecipeError(f"A run folder cannot be called {name!r}; letters, digits, - and . make a name.")
    folder, cache = arguments.runs_dir / name, arguments.runs_dir / "cache"
    pictures = {f"{place}-{path.stem}": pixels for place, (path, pixels) in enumerate(_pictures(arguments.maps))}

    from training import data

    dataset = data.load(recipe.data.name, arguments.data_dir, cache, HANDFUL if arguments.smoke else 0)
    dataset = data.split(dataset, recipe.data)
    trained = data.with_copies(dataset, recipe.data, recipe.seed, cache, arguments.augmented)
    print(f"{recipe.id}: {dataset.name}, {dataset.edition} edition, " + _counts(dataset))
    for identity, problem in dataset.problems:
        print(f"  {identity}: {problem}")
    if trained is not dataset:
        print(f"  with augmented copies {len(trained.items['train']):,} train")
    if arguments.deterministic:
        from training.hardware import make_deterministic

        make_deterministic()
    from training.run import finish, train

    if arguments.fresh and folder.exists():
        shutil.rmtree(folder)
    state = train(
        recipe,
        trained,
        folder,
        cache,
        arguments.save_every,
        arguments.validations,
        arguments.devices,
        arguments.tensorboard,
        pictures,
    )
    if arguments.trial:
        print(f"Trial: best of validation {state.best}. Run folder: {folder}")
        return 0
    if (folder / "card.json").exists():  # the test split is touched once
        card = Card.read(folder)
        print(f"Finished and measured before ({card.tested}); --fresh starts anew.")
    else:
        card = finish(recipe, dataset, state, folder, cache, arguments.smoke)
    for split, figures in card.splits.items():
        print(f"{split:11} {_figures(figures)}")
    print(f"Checkpoint and card: {folder}")
    if not arguments.smoke:
        print(f"To show it on the page: python -m training ship {name}")
    return 0


def _pictures(paths: list[Path]) -> Iterator[tuple[Path, np.ndarray]]:
    """The pixels of files; what is wrong with one says which."""
    for path in paths:
        try:
            yield path, read(path).pixels
        except PictureError as error:
            raise RecipeError(f"--maps {path}: {error}") from None


def search(arguments: argparse.Namespace) -> int:
    """Try learning rates."""
    from training import data

    recipe, cache = find(arguments.recipe), arguments.runs_dir / "cache"
    if not recipe.search.rates:
        raise RecipeError(f"{recipe.id} has no search: its learning rate is given.")
    dataset = data.split(data.load(recipe.data.name, arguments.data_dir, cache), recipe.data)
    dataset = data.with_copies(dataset, recipe.data, recipe.seed, cache)
    from training.search import search

    record = search(recipe, dataset, arguments.runs_dir / "search", cache, arguments.fresh)
    for trial in record["trials"]:
        mark = "  <- best" if trial["learning_rate"] == record["best"] else ""
        print(f"{trial['learning_rate']:g}: accuracy {trial['accuracy']:.4f}, log loss {trial['log_loss']:.4f}{mark}")
    if record["best"] != recipe.optimizer.learning_rate:
        print(f"The recipe has {recipe.optimizer.learning_rate:g}: set it to {record['best']:g} in its file.")
    return 0


def augment(arguments: argparse.Namespace) -> int:
    """Write augmented copies."""
    from training import data
    from training.data import offline

    dataset = data.load(arguments.data, arguments.data_dir, arguments.runs_dir / "cache")
    dataset = data.split(dataset, Data(validation=arguments.validation))
    offline.make(dataset, arguments.copies, arguments.seed, arguments.folder)
    copies = len(offline.plan(dataset.items["train"], arguments.copies, arguments.seed))
    count = len(dataset.items["train"])
    print(f"{copies:,} copies of {count:,} training pictures, together {copies + count:,}: {arguments.folder}")
    return 0


def ship(arguments: argparse.Namespace) -> int:
    """Copy a finished run's checkpoint."""
    from training.export import ship

    print(f"Shipped: {ship(arguments.runs_dir / arguments.run, arguments.weights)}")
    return 0


def publish(arguments: argparse.Namespace) -> int:
    """Make repositories and a Space, or the Space's files alone."""
    from training import publish

    if not (arguments.models or arguments.space or arguments.out):
        print("Say what to publish: --models OWNER, --space OWNER/NAME, or --out DIR to look at the Space's files.")
        return 2
    if arguments.models or arguments.space:
        import huggingface_hub

        api = huggingface_hub.HfApi()
    if arguments.models:
        publish.publish_models(api, arguments.models, arguments.weights, arguments.only, arguments.private)
    if arguments.space:
        publish.publish_space(api, arguments.space, arguments.weights, arguments.private)
    if arguments.out:
        print(publish.space_folder(arguments.out, arguments.weights))
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Measure a checkpoint again; 1 when it differs from its card."""
    from explain import checkpoints
    from training import data

    checkpoint = checkpoints.load(arguments.id, arguments.weights)
    cache = arguments.runs_dir / "cache"
    dataset = data.load(_dataset(checkpoint.card), arguments.data_dir, cache)
    dataset = data.split(dataset, Data(validation=_validation(checkpoint.card)))
    print(f"{checkpoint.model_id} on {dataset.name}, {dataset.edition} edition, " + _counts(dataset))
    if dataset.digest != checkpoint.card.digests.data:
        print("These are not the very files of the card (another edition?); figures may differ a little.")
    from training.evaluate import check

    rows = check(checkpoint, dataset, arguments.split or ["test"], cache, arguments.flips)
    for row in rows:
        verdict = "without flips" if arguments.flips else "agrees" if row.agrees else "DIFFERS"
        print(f"{row.split:11} now:  {_figures(row.now)}")
        print(f"{'':11} card: {_figures(row.card)}  {verdict}")
    return 0 if arguments.flips or all(row.agrees for row in rows) else 1


def ensemble(arguments: argparse.Namespace) -> int:
    """Put checkpoints together."""
    recipe = find_ensemble(arguments.id)
    from explain import checkpoints
    from training import data
    from training.ensemble import assemble

    members = [checkpoints.load(name, arguments.weights) for name in recipe.members]
    cache = arguments.runs_dir / "cache"
    dataset = data.load(_dataset(members[0].card), arguments.data_dir, cache)
    card = assemble(recipe, members, dataset, arguments.weights, cache)
    for split, figures in card.splits.items():
        print(f"{split:11} {_figures(figures)}")
    print(f"Temperature {card.temperature:.3f}. Shipped: {arguments.weights / recipe.id}")
    return 0


def _of_card(path: Path) -> Recipe:
    """The recipe that a checkpoint was trained by.

    Raises:
        CheckpointError: where there is no such card.
        RecipeError: where it does not say how.
    """
    if path.name != "card.json":
        raise RecipeError(f"{path} is no card: --card names the card.json of a checkpoint.")
    card = Card.read(path.parent)
    if not card.recipe:
        raise RecipeError(f"The card of {card.model_id} does not say how it was trained.")
    return from_settings(card.recipe)


def _counts(dataset: object) -> str:
    return ", ".join(f"{len(items):,} {split}" for split, items in dataset.items.items())


def _figures(figures: Figures) -> str:
    """What is known of n, accuracy with its interval, log loss, AUC and calibration error, in a line."""
    parts = [] if figures.n is None else [f"n {figures.n:,}"]
    names = {"accuracy": "accuracy", "log_loss": "log loss", "auc": "AUC", "calibration_error": "calibration error"}
    for name, title in names.items():
        value = getattr(figures, name)
        if value is not None:
            parts.append(f"{title} {value:.4f}")
            if name == "accuracy" and figures.accuracy_interval is not None:
                parts[-1] += " ({:.4f} to {:.4f})".format(*figures.accuracy_interval)
    return ", ".join(parts)


def _validation(card: Card) -> int:
    """How many pictures of each class validated; 0: as the data set is split."""
    settings = (card.recipe or {}).get("data")
    count = settings.get("validation") if isinstance(settings, dict) else 0
    return count if isinstance(count, int) else 0


def _dataset(card: Card) -> str:
    """Name of the data set that a checkpoint was trained on."""
    if card.dataset is None:
        raise TrainingError(f"The card of {card.model_id} does not say which data set it was trained on.")
    return card.dataset.name


COMMANDS = {
    "list": list_recipes,
    "run": run,
    "search": search,
    "augment": augment,
    "ship": ship,
    "evaluate": evaluate,
    "publish": publish,
    "ensemble": ensemble,
}

if __name__ == "__main__":
    sys.exit(main())
