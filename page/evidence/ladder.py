"""The ladder: steps from a plain network upwards, ours beside the original's (see `study.ladder`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from explain.cards import Figures
from explain.view.words import capital
from page.texts import PageTexts

HOUR, MINUTE = 3600, 60  # seconds


def told(
    steps: Sequence[Any],
    originals: Mapping[str, Any],
    cell: Callable[[Figures], dict[str, str] | None],
    texts: PageTexts,
) -> list[dict[str, Any]]:
    """The steps in words; what is no step is passed over.

    Args:
        steps: evidence/ladder.json.
        originals: weights/originals.json.
        cell: a split's figures in words.
        texts: of the page's language.

    Returns:
        [{title, adds, test, validation: cells, parameters, trained: [in words], ours: [share, low, high], original:
        {text, what, shares: [least, greatest], or []} or null}].
    """
    return [_step(step, originals.get(step["id"]), cell, texts) for step in steps if _whole(step)]


def _whole(step: object) -> bool:
    return (
        isinstance(step, dict)
        and all(isinstance(step.get(name), str) for name in ("id", "title", "adds"))
        and isinstance(step.get("test"), dict)
        and Figures.from_json(step["test"]).accuracy is not None
    )


def _step(step: dict[str, Any], original: object, cell: Callable, texts: PageTexts) -> dict[str, Any]:
    test = Figures.from_json(step["test"])
    validation = step.get("validation")
    count = step.get("parameters")
    return {
        "title": capital(step["title"].rpartition(": ")[2]),
        "adds": step["adds"],
        "test": cell(test),
        "validation": cell(Figures.from_json(validation)) if isinstance(validation, dict) else None,
        "parameters": f"{count:,}" if type(count) is int else "",
        "trained": _trained(step, texts),
        "ours": [test.accuracy, *(test.accuracy_interval or ())],
        "original": _original(original, texts) if isinstance(original, dict) else None,
    }


def _trained(step: dict[str, Any], texts: PageTexts) -> list[str]:
    """How long, and on what, as far as it is known."""
    epochs, seconds, hardware = (step.get(name) for name in ("epochs", "seconds", "hardware"))
    parts = []
    if type(epochs) is int:
        parts.append(texts.say("ladder_epochs" if epochs != 1 else "ladder_epoch", count=epochs))
    if isinstance(seconds, (int, float)) and seconds >= 0:
        if seconds < MINUTE:
            parts.append(texts.say("ladder_seconds", count=round(seconds)))
        elif seconds < HOUR:
            parts.append(texts.say("ladder_minutes", count=round(seconds / MINUTE)))
        else:
            parts.append(texts.say("ladder_hours", count=f"{seconds / HOUR:.1f}"))
    return [*parts, hardware] if isinstance(hardware, str) else parts


def _original(original: dict[str, Any], texts: PageTexts) -> dict[str, Any]:
    """The original's figure, or figures: test.accuracy, or from the least to the greatest test.accuracies."""
    figures = original.get("test")
    figures = figures if isinstance(figures, dict) else {}
    several = figures.get("accuracies")
    shares = [Figures.from_json({"accuracy": share}).accuracy for share in several] if isinstance(several, list) else []
    shares = sorted(share for share in [*shares, Figures.from_json(figures).accuracy] if share is not None)
    text, ends = "", sorted({*shares[:1], *shares[-1:]})
    if ends:
        low, high = (f"{100 * share:.0f}" for share in (ends[0], ends[-1]))
        text = texts.say("ladder_range", low=low, high=high) if len(ends) > 1 else texts.say("percent", value=low)
    return {"text": text, "what": str(original.get("what", "")), "shares": ends}
