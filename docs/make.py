"""docs/rules.md and its pictures from the registry of rules; with --check whether they are up to date."""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from explain.cards import Card
from explain.explanation import Layer
from explain.rules import RULES, Passes, Rule

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURES = ROOT / "docs" / "rules.md", ROOT / "docs" / "rules"
MODEL, EXAMPLE, TARGET = "cats-dogs-effnet-sgd", "dog-shepherd", "Dog"
LAYERS = ("block3a_project_bn", "block5a_project_bn", "top_activation")
NOT_PICTURED = {"attention"}  # needs that this model cannot meet
SIZE = (192, 192)
DEFAULT_LAYERS = tuple(Layer(f"block{place}", place / 17, (12, 12, 192)) for place in range(18))

# Peers of September 2026 and the rules that each has as a class or a function of its own.
PEERS = {
    "tf-keras-vis 0.8.7": "gradcam gradcam++ layercam scorecam gradient smoothgrad",
    "xplique 2.0.2": "gradcam gradcam++ fem gradient gradient-input smoothgrad integrated-gradients guided-backprop "
    "occlusion rise",
    "tf-explain 0.3.1": "gradcam gradient gradient-input smoothgrad integrated-gradients occlusion",
    "grad-cam 1.5.7": "gradcam gradcam++ hirescam layercam xgradcam fem shapleycam refinecam eigencam eigengradcam "
    "kpcacam fullgrad guided-backprop scorecam ablationcam",
    "torchcam 0.5": "gradcam gradcam++ smoothgradcam++ layercam xgradcam scorecam refinecam legrad",
    "captum 0.9": "gradcam gradient gradient-input smoothgrad integrated-gradients guided-backprop guided-gradcam "
    "occlusion",
}
FINER = {"grad-cam 1.5.7", "torchcam 0.5"}
TRAITS = {
    "layers in a call": ("one", "one", "one", "several, averaged", "several, a map each", "one", "all, in one pass"),
    "nested Keras models": ("no", "no", "no", "no Keras", "no Keras", "no Keras", "yes"),
    "faithfulness": (
        "",
        "insertion, deletion, µ-fidelity, stability",
        "",
        "average drop, ROAD, ARCC",
        "insertion, deletion, average drop",
        "infidelity, sensitivity",
        "insertion, deletion, SRG, ROAD, average drop, IDSDS, across two models",
    ),
    "two models side by side": ("no", "no", "no", "no", "no", "no", "yes"),
}
ONLY_THERE = {
    "tf-keras-vis": "activation maximisation",
    "xplique": "LIME, Kernel SHAP, Sobol and HSIC attributions, DeconvNet, SquareGrad, VarGrad",
    "grad-cam": "Grad-CAM by elements, Eigen-CAM of segments, Sobel-CAM, deep feature factorisation",
    "torchcam": "CAM itself, SS-CAM, IS-CAM",
    "captum": "DeepLift, LRP, SHAP, conductance, internal influence",
}


def groups() -> Iterator[tuple[str, str, list[Rule]]]:
    """Title, sentence and rules of each group."""
    every = list(RULES.values())
    yield (
        "Of every layer, in one pass",
        "All of them together take one forward and one backward pass, of all layers.",
        [rule for rule in every if rule.level == "layer" and not rule.probes],
    )
    yield (
        "Of the input, in one pass",
        "One map of the picture's size, which stands still while one moves through the layers.",
        [rule for rule in every if rule.level == "input" and not rule.probes],
    )
    yield (
        "Of many passes",
        "They look at changed copies of the picture, or of a layer's output; parameters say at how many.",
        [rule for rule in every if rule.probes],
    )


def told_passes(rule: Rule) -> str:
    """What a rule costs, of one picture."""
    passes = rule.cost(DEFAULT_LAYERS, SIZE)
    told = ", ".join(
        f"{count:,} {name}" for name, count in zip(Passes._fields, passes, strict=True) if count or name == "forward"
    )
    if "tolerance" in rule.parameters:  # it ends when it is near enough
        told = f"at most {told}"
    return told if isinstance(rule.passes, Passes) else f"{told}, of 18 layers and 192 x 192 pixels"


def picture(rule: Rule) -> Path | None:
    """Where a rule's picture lies; its name changes with what it was made of."""
    if NOT_PICTURED & set(rule.needs):
        return None
    made_of = [Card.read(ROOT / "weights" / MODEL).digests.model, EXAMPLE, TARGET, *LAYERS]
    made_of += [rule.name, rule.equation, str(dict(rule.parameters))]
    return PICTURES / f"{rule.name}-{hashlib.sha256(chr(10).join(made_of).encode()).hexdigest()[:8]}.webp"


def text() -> str:
    """The page."""
    lines = [
        "# The rules",
        "",
        "Made by `python -m docs.make` from the registry of rules, [`explain/rules/`](../explain/rules/); a test holds "
        "them together. A is a layer's activations, G = dy/dA the gradients of the explained score y, x the picture as "
        "the model takes it, k a channel, i and j are places, ReLU(z) = max(z, 0), ⊙ multiplies place by place.",
        "",
        f"The pictures: `{MODEL}` on [an example](../examples/{EXAMPLE}.jpg), for its class {TARGET}: the picture, "
        f"then the maps of {', '.join(f'`{layer}`' for layer in LAYERS)}, or the one map of the input. Each map is "
        "drawn from its least to its greatest value, so their colours do not compare.",
        "",
        "No rule is the best: which of them finds what a model uses differs by model, data and measure.",
    ]
    for title, about, rules in groups():
        lines += ["", f"## {title}", "", about]
        for rule in rules:
            lines += _of_rule(rule)
    return "\n".join([*lines, *_peers()]) + "\n"


def _of_rule(rule: Rule) -> Iterator[str]:
    shows = (rule.function.__doc__ or "").strip().splitlines()[0]
    yield from ("", f"### {rule.title}", "")
    path = picture(rule)
    if path is not None:
        yield from (f"![{rule.title}](rules/{path.name})", "")
    settings = ", ".join(f"`{name}={value!r}`" for name, value in rule.parameters.items())
    yield f"- **name** `{rule.name}`"
    yield f"- **shows** {shows}"
    if rule.warning:
        yield f"- **misleads** {rule.warning}"
    yield f"- **equation** {rule.equation}"
    yield f"- **passes** {told_passes(rule)}"
    if settings:
        yield f"- **parameters** {settings}"
    yield f"- **source** {rule.source}"


def _peers() -> Iterator[str]:
    columns = [*PEERS, "here"]
    yield from ("", "## Beside six peers", "")
    yield "Versions of September 2026; ✓ where a library has the rule as a class or a function of its own."
    yield from ("", f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|")
    for name, rule in RULES.items():
        marks = ["✓" if name in known.split() else "" for known in PEERS.values()]
        yield f"| {rule.title} | {' | '.join([*marks, '✓'])} |"
    yield f"| Finer-CAM (a target: `Finer`) | {' | '.join(['✓' if peer in FINER else '' for peer in PEERS] + ['✓'])} |"
    for trait, values in TRAITS.items():
        yield f"| {trait} | {' | '.join(values)} |"
    there = "; ".join(f"{peer}: {what}" for peer, what in ONLY_THERE.items())
    yield from ("", f"What they have and this library has not: {there}.")


def draw() -> None:
    """Make the pictures that are missing, and take away those of before."""
    from PIL import Image

    from explain import load, read
    from explain.overlay import tiles

    PICTURES.mkdir(exist_ok=True)
    wanted = {path: rule for rule in RULES.values() if (path := picture(rule)) is not None}
    for path in set(PICTURES.iterdir()) - set(wanted):
        path.unlink()
    missing = {path: rule for path, rule in wanted.items() if not path.exists()}
    if not missing:
        return
    checkpoint, photo = load(MODEL), read(ROOT / "examples" / f"{EXAMPLE}.jpg")
    for path, rule in missing.items():
        print(rule.title)
        explanation = checkpoint.explain(photo, TARGET, rules=rule.name, layers=LAYERS if rule.layered else "last")
        drawn = [
            explanation.overlay(layer, rule.name) for layer in (LAYERS if rule.name in explanation.maps else [None])
        ]
        row = tiles([explanation.pictures[0], *drawn], columns=4)
        Image.fromarray(row).save(path, quality=80, method=6)


def stale() -> list[str]:
    """What is not up to date."""
    wrong = [] if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text() else ["docs/rules.md"]
    wanted = {path for rule in RULES.values() if (path := picture(rule)) is not None}
    lying = set(PICTURES.iterdir()) if PICTURES.is_dir() else set()
    return wrong + sorted(str(path.relative_to(ROOT)) for path in wanted ^ lying)


def main() -> int:
    """Command line."""
    if "--check" in sys.argv:
        wrong = stale()
        print(f"python -m docs.make makes anew: {', '.join(wrong)}" if wrong else "docs/rules.md is up to date")
        return 1 if wrong else 0
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    draw()
    PAGE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
