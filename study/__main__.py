"""Studies: compare two checkpoints over many pictures, and judge the claims that follow."""

import argparse
import json
import os
import sys
from pathlib import Path

from training import TrainingError

WEIGHTS = Path(__file__).parents[1] / "weights"
EVIDENCE = Path(__file__).parents[1] / "evidence"
REPRODUCED = 0.001  # a comparison's figures on another processor differ by less


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m study", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare", help="how alike two checkpoints' maps and features are, with intervals, plots and claims"
    )
    compare.add_argument("left", help="id of a checkpoint")
    compare.add_argument("right", help="id of another")
    compare.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of checkpoints (default: weights/)")
    compare.add_argument("--evidence", type=Path, default=EVIDENCE, help="where it is written (default: evidence/)")
    compare.add_argument(
        "--runs-dir",
        type=Path,
        default=Path(os.environ.get("TWO_MINDS_RUNS", "runs")),
        help="where decoded pictures lie, in cache/ (default: $TWO_MINDS_RUNS, else ./runs)",
    )
    compare.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("TWO_MINDS_DATA"),
        help="folder that holds the data set (default: $TWO_MINDS_DATA, else it is downloaded)",
    )
    compare.add_argument("--count", type=int, default=1000, help="of test pictures (default: 1000)")
    compare.add_argument(
        "--heads-dir",
        type=Path,
        default=os.environ.get("TWO_MINDS_HEADS"),
        help="folder of pictures whose heads and animals are marked, see training/data/pets.py (default: "
        "$TWO_MINDS_HEADS, else figures on heads and animals are left out)",
    )
    compare.add_argument(
        "--check", action="store_true", help="write nothing; see whether the comparison there is comes out again"
    )
    compare.add_argument("--force", action="store_true", help="also replace a comparison of more pictures")
    return main


def main() -> int:
    """Command line; returns the exit code."""
    arguments = parser().parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        return COMMANDS[arguments.command](arguments)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except Exception as error:
        from explain.checkpoints import CheckpointError

        if not isinstance(error, TrainingError | CheckpointError):
            raise
        print(error, file=sys.stderr)
        return 2


def compare(arguments: argparse.Namespace) -> int:
    """Write the comparison of two checkpoints, its plots, and the claims that rest on it."""
    from explain import checkpoints
    from training import data
    from training.data import pets

    marked = pets.load(arguments.heads_dir) if arguments.heads_dir else None
    left, right = (checkpoints.load(id, arguments.weights) for id in (arguments.left, arguments.right))
    cache = arguments.runs_dir / "cache"
    dataset = data.load(left.card["dataset"]["name"], arguments.data_dir, cache)
    from study import plots
    from study.compare import CompareError, keep, measure, reproduced, write

    if dataset.digest != left.card["digests"]["data"]:
        print("These are not the very files that the models were measured on (another edition?).")
    if arguments.check:
        path = arguments.evidence / f"{left.id}--{right.id}" / "comparison.json"
        if not path.exists():
            raise CompareError(f"There is no {path} to be checked.")
        shipped = json.loads(path.read_text())
        found, _ = measure(left, right, dataset, "test", shipped["n"], cache, marked)
        count, apart, where = reproduced(shipped, found)
        if marked is None:
            print("Without --heads-dir nothing is said about heads and animals.")
        print(f"{count:,} figures, greatest difference {apart:.6f}" + (f" ({where})" if where else ""))
        print("agrees" if apart < REPRODUCED else "DIFFERS")
        return 0 if apart < REPRODUCED else 1
    if not arguments.force:
        keep(arguments.evidence, left.id, right.id, min(arguments.count, len(dataset.items["test"])), marked)
    found, pictures = measure(left, right, dataset, "test", arguments.count, cache, marked)
    folder = write(found, pictures, arguments.evidence)
    for stop, alike in zip(found["stops"], found["agreement"]["gradcam"]["stops"], strict=True):
        print(f"  {stop['depth']:.2f}  {stop['left']:24} rank correlation {_span(alike['rank_mean'])}")
    for name, table in found["measures"].items():
        last = table["stops"][-1]
        row = "  ".join(f"{side} {_span(last[side])}" for side in ("left", "right", "difference"))
        print(f"{table['title']}, last layer ({name}): {row}")
    if marked is None:
        print("Without --heads-dir nothing is said about heads and animals.")
    for claim in plots.draw_all(arguments.evidence, arguments.weights):
        if claim["figure"] and {claim["left"], claim["right"]} == {left.id, right.id}:
            print(f"{claim['sentence']} {claim['verdict']}: {_span(claim['figure'])}, threshold {claim['threshold']}")
    print(f"Written: {folder}")
    listed = arguments.weights / "experiments.json"
    pairs = [(one["left"], one["right"]) for one in json.loads(listed.read_text())] if listed.exists() else []
    if (left.id, right.id) not in pairs:
        print(f"The page shows it once {listed} has an experiment with this left and this right.")
    return 0


def _span(figure: dict | None) -> str:
    return "undefined" if figure is None else f"{figure['mean']:+.3f} ({figure['low']:+.3f} to {figure['high']:+.3f})"


COMMANDS = {"compare": compare}

if __name__ == "__main__":
    sys.exit(main())
