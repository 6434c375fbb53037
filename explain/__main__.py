"""Maps of many pictures by one model or several, from the command line: python -m explain PICTURE... --model A.keras"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from explain.errors import UserError, told
from explain.files import parse_json, read_bytes
from explain.models import add_options, open_models
from explain.pictures import SUFFIXES, Picture, PictureError, read
from explain.rules import RULES, rule_names
from explain.saving import MANIFEST, digest, write_manifest, write_whole
from explain.tables import COMPARISON_COLUMNS, MAP_COLUMNS, Row, comparison_rows, map_rows, write_csv

if TYPE_CHECKING:
    from explain.checkpoints import Checkpoint
    from explain.ensembles import Ensemble
    from explain.explanation import Explanation

SETTINGS = "settings.json"
_MOST_MANIFEST = 2**26  # bytes
EVERY = 10.0  # seconds between lines of progress where there is no terminal
FEWEST, MOST = 1, 6  # models


class CommandError(UserError):
    """What was asked for cannot be done; the message says why and what to do."""

    subject = "command"

    def __init__(self, sentence: str) -> None:
        super().__init__("command", sentence)


def rule_list() -> str:
    """The rules in groups, a line each, as the help shows them."""
    groups: dict[str, list[str]] = {"of every layer, in one pass": [], "of the input, in one pass": []}
    groups["of many passes (how many depends on layers, size and parameters)"] = []
    for name, rule in RULES.items():
        group = list(groups)[2 if rule.probes else 0 if rule.level == "layer" else 1]
        settings = ", ".join(f"{key}={value}" for key, value in rule.parameters.items())
        groups[group].append(f"  {name:22} {rule.title}" + (f" ({settings})" if settings else ""))
    return "\n".join(f"{group}:\n" + "\n".join(lines) for group, lines in groups.items() if lines)


def parser() -> argparse.ArgumentParser:
    """The command line, with its help made from the registry of rules."""
    main = argparse.ArgumentParser(
        prog="python -m explain",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Maps of pictures by one model, or by 2 to 6 that are compared. A folder for each picture:\n"
        "overlays (PNG), raw maps (.npz) and a manifest, which is written last.\n"
        "Interrupted, the same command goes on.",
        epilog="rules:\n"
        + rule_list()
        + "\n\nexit code: 0 all well; 1 some pictures could not be read, the others are "
        "done; 2 nothing can be done so;\n130 interrupted",
    )
    main.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="files, and folders with all within")
    main.add_argument(
        "--model",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="a .keras or .h5 file, or a checkpoint's folder",
    )
    main.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the maps go")
    main.add_argument("--rule", nargs="+", default=["gradcam"], metavar="NAME", help="see below (default: gradcam)")
    main.add_argument(
        "--layers",
        nargs="+",
        default=["blocks"],
        metavar="WHICH",
        help="blocks, convolutions, all, last, or layers' addresses (default: blocks)",
    )
    main.add_argument(
        "--target",
        default="own",
        metavar="CLASS",
        help="a class's name or number; own: each model's own answer; common: the likeliest of all (default: own)",
    )
    add_options(main)
    main.add_argument(
        "--set", action="append", default=[], metavar="RULE.PARAMETER=VALUE", help="set a rule's parameter; repeatable"
    )
    main.add_argument("--smoothing", type=int, default=0, metavar="N", help="average maps over N noisy copies")
    main.add_argument("--csv", action="store_true", help="write all numbers into maps.csv, and comparison.csv")
    main.add_argument("--html", action="store_true", help="write each comparison as one page that works offline")
    main.add_argument("--fresh", action="store_true", help="make all anew, whatever lies in DIR")
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    asked = parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        return _run(asked)
    except KeyboardInterrupt:
        print(
            "\nInterrupted. The same command goes on" + (", without --fresh." if asked.fresh else "."), file=sys.stderr
        )
        return 130
    except (UserError, ValueError, KeyError) as error:
        print(told(error), file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or asked.out}: {error.strerror or error}.", file=sys.stderr)
        return 2


# --- one run ----------------------------------------------------------------------------------------------------------


class Source(NamedTuple):
    """A picture: where its maps go below the folder, and its file."""

    name: str
    path: Path


class _Plan(NamedTuple):
    """What is done with every picture."""

    models: list[Checkpoint | Ensemble]
    target: str
    options: dict[str, Any]
    html: bool


def _run(asked: argparse.Namespace) -> int:
    sources = listed(asked.pictures)
    if not FEWEST <= len(asked.model) <= MOST:
        raise CommandError(f"{FEWEST} to {MOST} models, not {len(asked.model)}.")
    rules = rule_names(asked.rule)
    if asked.html and (len(asked.model) == 1 or not any(RULES[rule].level == "layer" for rule in rules)):
        raise CommandError("--html writes a comparison: of two models or more, by a rule of layers.")
    parameters = _parameters(asked.set, rules)
    models = open_models(asked.model, asked)
    if asked.target == "common" and any(model.classes != models[0].classes for model in models):
        raise CommandError(
            "The models tell different classes apart, so none is the likeliest of all: leave --target out."
        )
    layers = asked.layers[0] if len(asked.layers) == 1 else asked.layers
    options = {"rules": rules, "layers": layers, "parameters": parameters, "smoothing": asked.smoothing}
    plan = _Plan(models, asked.target, options, asked.html)
    _claim(asked.out, plan, asked.fresh)
    failed, made = [], 0
    with _Bar(len(sources), sys.stderr) as bar:
        for source in sources:
            try:
                made += _explained(source, asked.out, plan, bar, asked.fresh)
            except PictureError as error:
                failed.append((source, error))
                bar.done(skipped=True)
    if asked.csv:
        whole = [source for source in sources if _manifest(asked.out / source.name)]
        write_csv(asked.out / "maps.csv", _rows(asked.out, whole, "maps"), MAP_COLUMNS)
        if len(models) > 1:
            write_csv(asked.out / "comparison.csv", _rows(asked.out, whole, "comparisons"), COMPARISON_COLUMNS)
    before = len(sources) - made - len(failed)
    told = f"{made} made" + (f", {before} were there" if before else "")
    print(f"{told}: {asked.out}")
    for source, problem in failed:
        print(f"{source.path}: {problem}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(sources)} could not be read.", file=sys.stderr)
    return 1 if failed else 0


def listed(paths: Sequence[Path]) -> list[Source]:
    """All pictures named and in folders, each file once, with a name of its own.

    Args:
        paths: files, of any suffix, and folders, of which all that have a picture's are taken, at any depth.

    Raises:
        CommandError: for what is not there, and where no picture is found.
    """
    sources: list[Source] = []
    taken: set[str] = set()
    known: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise CommandError(f"There is no {path}.")
        within = [path]
        if path.is_dir():
            within = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()]
            within = sorted(
                file for file in within if not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        for file in within:
            if file.resolve() in known:
                continue
            known.add(file.resolve())
            relative = file.relative_to(path) if path.is_dir() else Path(file.name)
            name, number = str(relative), 2
            while name in taken or name in (SETTINGS, "maps.csv", "comparison.csv"):
                name, number = f"{relative}-{number}", number + 1
            taken.add(name)
            sources.append(Source(name, file))
    if not sources:
        raise CommandError(f"There are no pictures in {', '.join(map(str, paths))}.")
    return sources


def _parameters(settings: Sequence[str], rules: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By rule and name, each of its default's kind."""
    parameters: dict[str, dict[str, Any]] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        rule, _, name = key.rpartition(".")
        if not equals or rule not in rules:
            raise CommandError(f"--set {setting}: that is RULE.PARAMETER=VALUE of a rule asked for.")
        default = RULES[rule].settings({name: None}) and RULES[rule].parameters[name]
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if default is not None and not isinstance(value, (int, float) if isinstance(default, float) else type(default)):
            raise CommandError(f"--set {setting}: {name} is of another kind, {default} for example.")
        parameters.setdefault(rule, {})[name] = value
    return parameters


def _claim(out: Path, plan: _Plan, fresh: bool) -> None:
    """Hold the folder's settings against these, or write them."""
    settings = {
        "models": [{"id": model.model_id, "digest": model.card.digests.model} for model in plan.models],
        "classes": [model.classes for model in plan.models],
        "ways": [[getattr(model, "preprocess", "none"), model.input_size] for model in plan.models],
        "target": plan.target,
        **plan.options,
        "html": plan.html,
    }
    settings = json.loads(json.dumps(settings))
    out.mkdir(parents=True, exist_ok=True)
    path = out / SETTINGS
    if path.exists() and not fresh:
        try:
            before = parse_json(read_bytes(path, _MOST_MANIFEST))
        except (OSError, ValueError):
            before = {}
        changed = [key for key in settings if not isinstance(before, dict) or before.get(key) != settings[key]]
        if changed:
            raise CommandError(
                f"{out} holds maps made otherwise ({', '.join(changed)}): name another --out, or say --fresh."
            )
        return
    if fresh:
        for manifest in out.rglob(MANIFEST):
            manifest.unlink()
    write_whole(path, json.dumps(settings, indent=2) + "\n")


def _explained(source: Source, out: Path, plan: _Plan, bar: _Bar, fresh: bool) -> bool:
    """Make what is missing of one picture; whether something was."""
    folder = out / source.name
    known = {"path": str(source.path), "sha256": digest(source.path) if source.path.is_file() else ""}
    before = None if fresh else _manifest(folder)
    if before and before.get("source", {}).get("sha256") == known["sha256"]:
        bar.done(skipped=True)
        return False
    picture = read(source.path)
    target = _target(plan, picture.pixels)
    explanations = []
    for place, model in enumerate(plan.models):
        told = bar.part(place, len(plan.models))
        explanations.append(model.explain(picture, target=target, progress=told, **plan.options))
    rows = {"maps": [row for explanation in explanations for row in map_rows(explanation, [source.name])]}
    if len(explanations) == 1:
        explanations[0].save(folder, about={"source": known, "rows": rows})
    else:
        rows["comparisons"] = _save_together(folder, source.name, plan, explanations, picture)
        write_manifest(folder, {"kind": "pictures", "source": known, "rows": rows}, [])
    bar.done()
    return True


def _target(plan: _Plan, pixels: Any) -> Any:
    """The class to explain, as `explain` takes it."""
    classes = plan.models[0].classes
    if plan.target == "own" and "own" not in classes:
        return "predicted"
    if plan.target == "common" and "common" not in classes:
        from explain.align import common_target

        return common_target(*(model.predict([pixels])[0] for model in plan.models))
    return int(plan.target) if plan.target.isdecimal() and plan.target not in classes else plan.target


def _save_together(
    folder: Path, name: str, plan: _Plan, explanations: Sequence[Explanation], picture: Picture
) -> list[Row]:
    """Write each model's maps and, for each rule of layers, their comparison; its rows."""
    from explain.align import compare

    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    ids = [model.model_id for model in plan.models]
    rows: list[Row] = []
    for model_id, explanation in zip(ids, explanations, strict=True):
        explanation.save(folder / model_id)
    for rule in explanations[0].maps:
        comparison = compare(*explanations, rule=rule)
        comparison.save(folder / f"comparison-{rule}")
        if plan.html:
            from explain.view import document
            from explain.view.notebook import message_of

            asked = plan.target if plan.target in ("own", "common", *plan.models[0].classes) else "own"
            drawn = message_of(comparison, [model.card for model in plan.models], picture, asked)
            text = document(drawn, about={"picture": name, "date": time.strftime("%Y-%m-%d")})
            write_whole(folder / f"comparison-{rule}" / "comparison.html", text)
        rows += comparison_rows(comparison, ids, name)
    return rows


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a picture that is done, else None."""
    try:
        content = parse_json(read_bytes(folder / MANIFEST, _MOST_MANIFEST))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _rows(out: Path, sources: Sequence[Source], kind: str) -> Iterator[Row]:
    for source in sources:
        yield from (_manifest(out / source.name) or {}).get("rows", {}).get(kind, [])


# --- progress ---------------------------------------------------------------------------------------------------------


class _Bar:
    """How many pictures are done and how long the others will take: a line on a terminal, else a line now and then.

    The first takes longer, as models are traced: it counts only until there is a second.
    """

    def __init__(self, total: int, stream: TextIO) -> None:
        self.total, self.stream = total, stream
        self.finished = self.counted = 0
        self.within = 0.0  # of the picture at hand, 0 to 1
        self.begun = self.shown = time.monotonic()
        self.terminal = stream.isatty()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal:
            self.stream.write("\n")
            self.stream.flush()

    def part(self, place: int, models: int) -> Callable[[int, int], None]:
        """Progress of the model at a place, as `explain` tells it."""

        def told(done: int, total: int) -> None:
            self.within = (place + done / max(total, 1)) / models
            self._show()

        return told

    def done(self, skipped: bool = False) -> None:
        """One picture is done; whether it took no time."""
        self.finished, self.within = self.finished + 1, 0.0
        if not skipped:
            self.counted += 1
            if self.counted == 1:
                self.begun = time.monotonic()
        self._show(self.finished == self.total)

    def _show(self, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self.shown < (0.2 if self.terminal else EVERY):
            return
        self.shown = now
        text = f"{self.finished} of {self.total} pictures" + self._left(now)
        with contextlib.suppress(OSError):
            self.stream.write(f"\r{text:60}" if self.terminal else text + "\n")
            self.stream.flush()

    def _left(self, now: float) -> str:
        done = max(0, self.counted - 1) + self.within
        left = self.total - self.finished - self.within
        if not done or not left > 0:
            return ""
        seconds = round((now - self.begun) / done * left)
        hours, minutes = divmod(seconds // 60, 60)
        return f", {hours}:{minutes:02}:{seconds % 60:02} left" if hours else f", {minutes}:{seconds % 60:02} left"


if __name__ == "__main__":
    sys.exit(main())
