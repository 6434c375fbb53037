"""Studies: measure trainings over many pictures, compare them, judge the claims that follow; and all of it again."""

import argparse
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from study import StudyError
from study.store import Store

if TYPE_CHECKING:
    import numpy as np

    from explain.checkpoints import Checkpoint
    from study.measure import Maps
    from training.data.dataset import Dataset

    Measured = tuple[dict, dict[str, np.ndarray], Maps]

WEIGHTS = Path(__file__).parents[1] / "weights"
EVIDENCE = Path(__file__).parents[1] / "evidence"
REPRODUCED = 0.001  # figures on another processor differ by less
SPLIT = "test"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    folders = argparse.ArgumentParser(add_help=False)
    folders.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of checkpoints (default: weights/)")
    folders.add_argument("--evidence", type=Path, default=EVIDENCE, help="what was measured (default: evidence/)")
    data = argparse.ArgumentParser(add_help=False, parents=[folders])
    data.add_argument(
        "--runs-dir",
        type=Path,
        default=Path(os.environ.get("TWO_MINDS_RUNS", "runs")),
        help="where decoded pictures and raw maps lie, in cache/ (default: $TWO_MINDS_RUNS, else ./runs); some 0.5 GB "
        "a checkpoint",
    )
    data.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("TWO_MINDS_DATA"),
        help="folder that holds the data set (default: $TWO_MINDS_DATA, else it is downloaded)",
    )
    data.add_argument(
        "--heads-dir",
        type=Path,
        default=os.environ.get("TWO_MINDS_HEADS"),
        help="folder of pictures whose heads and animals are marked, see training/data/pets.py (default: "
        "$TWO_MINDS_HEADS, else figures on heads and animals are left out)",
    )
    count = argparse.ArgumentParser(add_help=False)
    count.add_argument("--count", type=int, default=1000, help="of test pictures (default: 1000)")
    count.add_argument("--force", action="store_true", help="also replace what was measured on more pictures")

    main = argparse.ArgumentParser(prog="python -m study", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    measure = commands.add_parser("measure", parents=[data, count], help="trainings, each by itself")
    measure.add_argument("ids", nargs="+", metavar="ID", help="of a checkpoint")
    compare = commands.add_parser(
        "compare", parents=[data, count], help="every pair of some checkpoints, with plots and the claims that follow"
    )
    compare.add_argument("ids", nargs="+", metavar="ID", help="of two checkpoints or more; the first is the left one")
    check = commands.add_parser(
        "check", parents=[data], help="measure again what rests on the checkpoints in --weights, and list the rest"
    )
    check.add_argument("ids", nargs="*", metavar="ID", help="only of these checkpoints (default: all)")
    commands.add_parser("claims", parents=[folders], help="judge and draw anew by the evidence there is")
    commands.add_parser(
        "scaling", parents=[data], help="measure the trainings of the scaling experiment, and judge its claims"
    )
    ladder = commands.add_parser("ladder", parents=[folders], help="keep the figures of the ladder's trainings")
    ladder.add_argument(
        "--runs-dir",
        type=Path,
        default=Path(os.environ.get("TWO_MINDS_RUNS", "runs")),
        help="where `training run` left them (default: $TWO_MINDS_RUNS, else ./runs)",
    )
    return main


def main() -> int:
    """Command line; returns the exit code."""
    arguments = parser().parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # a log holds every line, also of a study that is killed
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # by itself only where a processor has AVX-512
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        return COMMANDS[arguments.command](arguments)
    except KeyboardInterrupt:
        print("\nInterrupted; what was measured whole is kept.", file=sys.stderr)
        return 130
    except Exception as error:
        from explain.errors import UserError

        if not isinstance(error, UserError):
            raise
        print(error, file=sys.stderr)
        return 2


class Desk:
    """What the commands work with: checkpoints, data, evidence and cache, each opened when it is needed.

    Args:
        arguments: of the command line.
        cache: where decoded pictures lie.
        maps: where raw maps lie; by default with the pictures.
    """

    def __init__(self, arguments: argparse.Namespace, cache: Path, maps: Path | None = None) -> None:
        from training.data import pets

        self.weights, self.store = arguments.weights, Store(arguments.evidence)
        self.folder, self.cache, self.maps = arguments.data_dir, cache, maps or cache
        self.pets = pets.load(arguments.heads_dir) if arguments.heads_dir else None
        self._datasets: dict[str, Dataset] = {}

    def checkpoint(self, model_id: str) -> "Checkpoint":
        """A checkpoint of the weights' folder.

        Raises:
            StudyError: for an ensemble.
        """
        from explain import checkpoints
        from study.measure import single

        return single(checkpoints.load(model_id, self.weights))

    def dataset(self, checkpoint: "Checkpoint") -> "Dataset":
        """The data set that a checkpoint was tested on.

        Files that are not the very ones of its card are said, and used: another edition has the same pictures.

        Raises:
            StudyError: for a card that names no data set.
        """
        from training import data

        card = checkpoint.card
        if card.dataset is None:
            raise StudyError(f"The card of {checkpoint.model_id} does not say which data set it was trained on.")
        name = card.dataset.name
        if name not in self._datasets:
            self._datasets[name] = data.load(name, self.folder, self.cache)
        dataset = self._datasets[name]
        if card.digests.data != dataset.digest:
            print(
                f"{checkpoint.model_id} was trained and tested on other files than these "
                f"(here: {dataset.edition} edition; its card: {card.dataset.edition})."
            )
        return dataset

    def measured(self, model_id: str, count: int, force: bool = False) -> "Measured":
        """A training's measures, single pictures and maps: those there are, or measured now and kept."""
        from study.measure import chosen, kept, pictures_digest
        from study.store import of_pets

        checkpoint = self.checkpoint(model_id)
        dataset = self.dataset(checkpoint)
        count = min(count, len(dataset.items[SPLIT]))
        old, model = self.store.measures(model_id), checkpoint.card.digests.model
        pictures = pictures_digest(chosen(dataset, SPLIT, count))
        maps = kept(model, pictures, self.maps)
        markable = of_pets(checkpoint.classes)
        arrays = self.store.model_pictures(model_id)
        if (
            maps
            and old
            and arrays
            and (old["model"], old["pictures"]) == (model, pictures)
            and [layer["address"] for layer in old["layers"]] == [layer.address for layer in maps.layers]
            and self._marked(old, markable)
        ):
            return old, arrays, maps
        if old and old["model"] == model and not force:
            # heads and animals that should never have been measured are no loss
            keep(old if markable else old | {"heads": None}, count, len(self.pets) if self.pets else 0)
        measures, arrays, maps = self.anew(model_id, count)
        self.store.write_model(measures, arrays)
        if markable and self.pets is None:
            print(f"{model_id}: without --heads-dir nothing is said about heads and animals.")
        return measures, arrays, maps

    def _marked(self, old: dict, markable: bool) -> bool:
        """Whether measures speak of the marked pictures there are, and of none where they say nothing."""
        if not markable:
            return old["heads"] is None
        return self.pets is None or (old["heads"] or {}).get("digest") == self.pets.digest

    def anew(self, model_id: str, count: int) -> "Measured":
        """The same, measured now.

        Raises:
            StudyError: for a model that cannot be explained.
        """
        from explain.errors import ModelError
        from study.measure import kept, measure

        checkpoint = self.checkpoint(model_id)
        dataset = self.dataset(checkpoint)
        try:
            measures, arrays = measure(checkpoint, dataset, SPLIT, count, self.cache, self.pets, self.maps)
        except ModelError as error:
            raise StudyError(f"{model_id} cannot be explained. {error}") from error
        return measures, arrays, kept(measures["model"], measures["pictures"], self.maps)


def keep(old: dict, count: int, heads: int) -> None:
    """See that measures would not be replaced by those of fewer pictures.

    Raises:
        StudyError: when they would; the message says how to go on.
    """
    lost = [f"{old['n']:,} pictures, not {count:,} (--count)"] if count < old["n"] else []
    if old["heads"] and heads < old["heads"]["n"]:
        lost.append(f"{old['heads']['n']} pictures with marked heads (--heads-dir)")
    if lost:
        raise StudyError(
            f"{old['id']} was measured on {', and '.join(lost)}. "
            "To replace it by less, add --force; to keep both, name another folder (--evidence)."
        )


def measure(arguments: argparse.Namespace) -> int:
    """Measure trainings, and judge what follows."""
    desk = Desk(arguments, arguments.runs_dir / "cache")
    for model_id in dict.fromkeys(arguments.ids):
        measures, _, _ = desk.measured(model_id, arguments.count, arguments.force)
        for name, table in measures["measures"].items():
            print(f"{model_id}  {name:14} last layer {_span(table['last'])}, all {_span(table['all'])}")
    return _judged(desk.store, desk.weights, [])


def compare(arguments: argparse.Namespace) -> int:
    """Compare every pair of some checkpoints, draw, and judge what follows."""
    from study.compare import compare

    ids = list(dict.fromkeys(arguments.ids))
    if len(ids) < 2:
        raise StudyError("Two different checkpoints are needed to compare.")
    desk = Desk(arguments, arguments.runs_dir / "cache")
    classes = {tuple(desk.checkpoint(model_id).classes) for model_id in ids}
    if len(classes) > 1:
        raise StudyError(f"{', '.join(ids)} tell different classes apart.")
    sides = {model_id: desk.measured(model_id, arguments.count, arguments.force) for model_id in ids}
    for left, right in itertools.combinations(ids, 2):
        measures, arrays, maps = zip(sides[left], sides[right], strict=True)
        inputs = tuple(desk.checkpoint(model_id).input_size for model_id in (left, right))
        comparison, pictures = compare(measures, arrays, maps, inputs)
        folder = desk.store.write_pair(comparison, pictures)
        for stop, alike in zip(comparison["stops"], comparison["agreement"]["gradcam"]["stops"], strict=True):
            print(f"  {stop['depth']:.2f}  {stop['left']:24} rank correlation {_span(alike['rank_mean'])}")
        print(f"Written: {folder}")
    pairs = [(ids[0], ids[1])] if len(ids) == 2 else []
    code = _judged(desk.store, desk.weights, pairs)
    for pair in pairs:
        if pair not in _listed(desk.weights):
            print(f"The page shows it once {desk.weights / 'experiments.json'} has an experiment of these two.")
    return code


def check(arguments: argparse.Namespace) -> int:
    """Measure again what rests on checkpoints that are here; 1 when a figure differs."""
    from study.compare import compare, reproduced

    store, cache = Store(arguments.evidence), arguments.runs_dir / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="check-") as folder:
        desk = Desk(arguments, cache, Path(folder))
        if desk.pets is None:
            print("Without --heads-dir nothing is said about heads and animals.")
        here, agrees = {}, True
        for model_id in store.models():
            old = store.measures(model_id)
            if arguments.ids and model_id not in arguments.ids:
                continue
            if not _rests_on(old, desk.weights):
                print(f"{model_id}: rests on a checkpoint that is not here.")
                continue
            here[model_id] = desk.anew(model_id, old["n"])
            agrees &= _told(model_id, *reproduced(old, here[model_id][0]))
        for pair in store.pairs():
            if not set(pair) <= here.keys():
                if not arguments.ids:
                    print(f"{' and '.join(pair)}: rest on checkpoints that are not here.")
                continue
            measures, arrays, maps = zip(*(here[model_id] for model_id in pair), strict=True)
            inputs = tuple(desk.checkpoint(model_id).input_size for model_id in pair)
            comparison, _ = compare(measures, arrays, maps, inputs)
            agrees &= _told(" and ".join(pair), *reproduced(store.comparison(*pair), comparison))
    print("agrees" if agrees else "DIFFERS")
    return 0 if agrees else 1


def claims(arguments: argparse.Namespace) -> int:
    """Judge and draw anew."""
    return _judged(Store(arguments.evidence), arguments.weights, [])


def ladder(arguments: argparse.Namespace) -> int:
    """Keep what the ladder's trainings gave."""
    from study.ladder import climbed

    store = Store(arguments.evidence)
    steps, problems = climbed(arguments.runs_dir, store.ladder())
    for problem in problems:
        print(problem)
    if not steps:
        raise StudyError(
            f"There is no finished training of the ladder in {arguments.runs_dir}; `python -m training list` names its "
            "recipes, `python -m training run ID` trains one."
        )
    for step in steps:
        print(f"{step['id']:28} {step['test']['accuracy']:.4f}  {step['epochs']} epochs, {step['seconds']} s")
    print(f"Written: {store.write_ladder(steps)}")
    return 0


def scaling(arguments: argparse.Namespace) -> int:
    """Measure what is new of the scaling experiment, in --weights or --runs-dir, and judge its claims."""
    from explain import checkpoints
    from study.scaling import known, measured

    desk = Desk(arguments, arguments.runs_dir / "cache")
    if desk.pets is None:
        raise StudyError("The scaling experiment is judged on pictures with marked heads and animals: --heads-dir.")
    folders = [
        next(
            (folder for folder in (arguments.weights, arguments.runs_dir) if (folder / name / "card.json").exists()),
            None,
        )
        for name in known()
    ]
    trainings = [checkpoints.load(name, folder) for name, folder in zip(known(), folders, strict=True) if folder]
    content = measured(trainings, desk.pets, desk.store.scaling())
    for kept in content["trainings"]:
        spans = "  ".join(f"{name} {_span(figure)}" for name, figure in kept["marks"].items())
        print(f"{kept['id']:24} {kept['test']['accuracy']:.4f}  {spans}")
    from study.plots import draw_scaling
    from study.texts.en import TEXTS

    for claim in content["verdicts"]:
        sentence, _ = TEXTS["scaling_claims"][claim["id"]]
        print(f"{sentence} {TEXTS['evidence_verdicts'][claim['verdict']]}: {_span(claim['figure'])}")
    print(f"Written: {desk.store.write_scaling(content)}")
    draw_scaling(desk.store, content)
    return 0


def _judged(store: Store, weights: Path, pairs: list[tuple[str, str]]) -> int:
    from study import plots
    from study.texts.en import TEXTS

    for claim in plots.draw_all(store, weights, [*pairs, *_listed(weights)]):
        sentence, _ = TEXTS["evidence_claims"][claim["id"]]
        verdict = TEXTS["evidence_verdicts"][claim["verdict"]]
        print(f"{sentence} {verdict}: {_span(claim['figure'])}")
    return 0


def _listed(weights: Path) -> list[tuple[str, str]]:
    """The page's pairs."""
    from study.experiments import read_experiments

    ids = [path.parent.name for path in weights.glob("*/card.json")]
    experiments = read_experiments(weights / "experiments.json", ids)
    return [(experiment.left, experiment.right) for experiment in experiments]


def _rests_on(measures: dict, weights: Path) -> bool:
    from explain import checkpoints

    cards = {card.model_id: card for card in checkpoints.available(weights).cards}
    return measures["id"] in cards and cards[measures["id"]].digests.model == measures["model"]


def _told(what: str, count: int, apart: float, where: str) -> bool:
    agrees = apart < REPRODUCED
    place = f" ({where})" if where else ""
    print(f"{what}: {count:,} figures, greatest difference {apart:.6f}{place}{'' if agrees else ' DIFFERS'}")
    return agrees


def _span(figure: dict | None) -> str:
    return "undefined" if figure is None else f"{figure['mean']:+.3f} ({figure['low']:+.3f} to {figure['high']:+.3f})"


COMMANDS = {"measure": measure, "compare": compare, "check": check, "claims": claims, "ladder": ladder}
COMMANDS |= {"scaling": scaling}

if __name__ == "__main__":
    sys.exit(main())
