"""python -m training: list, run and ship trainings, and measure what they gave."""

import argparse
import os
import sys
from pathlib import Path

from training.recipe import all_recipes, find, override


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    runs = argparse.ArgumentParser(add_help=False)
    runs.add_argument(
        "--runs-dir",
        type=Path,
        default=Path(os.environ.get("TWO_MINDS_RUNS", "runs")),
        help="where run folders lie (default: $TWO_MINDS_RUNS, else ./runs)",
    )
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--data-dir",
        type=Path,
        default=os.environ.get("TWO_MINDS_DATA"),
        help="folder that holds the data set (default: $TWO_MINDS_DATA, else downloaded)",
    )
    commands.add_parser("list", help="the recipes")
    trial = commands.add_parser("search", parents=[runs, data], help="try a recipe's learning rates, on validation")
    trial.add_argument("recipe")
    trial.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    arguments = parser.parse_args()

    if arguments.command == "list":
        for recipe in all_recipes().values():
            print(f"{recipe.id:28} {recipe.title:28} {recipe.description}")
        return 0
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from training.data import cats_dogs
    from training.search import search

    recipe = override(find(arguments.recipe), arguments.set)
    cache = arguments.runs_dir / "cache"
    dataset = cats_dogs.load(arguments.data_dir, cache)
    record = search(recipe, dataset, arguments.runs_dir / "search", cache)
    for one in record["trials"]:
        print(one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
