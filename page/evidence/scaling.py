"""The scaling experiment: accuracy against cost, and its claims (see `study.scaling`)."""

import math
from collections.abc import Mapping
from typing import Any

from page.evidence.drawing import drawing
from page.texts import PageTexts
from study.store import SCALING_COST, Store
from study.texts import en as judged

JUDGED = ("holds", "fails")  # verdicts with a mark of their own
CLAIMS = tuple(judged.TEXTS["scaling_claims"])
KINDS = tuple(judged.TEXTS["scaling_kinds"])
PLOTS = (SCALING_COST, *CLAIMS)


def told(store: Store, texts: PageTexts, said: tuple[tuple[str, str], ...] = ()) -> list[dict[str, Any]]:
    """The experiment in words and plots, as a group of claims; [] where nothing was measured.

    Args:
        store: the evidence.
        texts: of the page's language.
        said: words and titles in plots, each with what stands there in this language.

    Returns:
        [{title, text: what was measured, plots: [{name, title, text, svg}], claims: see `Findings.claims`, commands}].
    """
    content = store.scaling() or {}
    verdicts = content.get("verdicts")
    claims = (
        [_claim(claim, store, texts, said) for claim in verdicts if _whole(claim)] if isinstance(verdicts, list) else []
    )
    if not claims:
        return []
    trainings, heads = content.get("trainings"), content.get("heads")
    facts = {"count": len(trainings) if isinstance(trainings, list) else 0}
    facts["pictures"] = heads.get("n") if isinstance(heads, Mapping) else 0
    title, text = texts["evidence_scaling_cost"]
    svg = drawing(store.svg(store.claim_plot(SCALING_COST)) or "", "ev-scaling-", f"{title}. {text}", said)
    plots = [{"name": SCALING_COST, "title": title, "text": text, "svg": svg}] if svg else []
    return [
        {
            "title": texts["evidence_scaling"],
            "text": texts.say("evidence_scaling_text", **facts),
            "models": None,
            "plots": plots,
            "claims": claims,
            "commands": [],
        }
    ]


def _claim(
    claim: Mapping[str, Any], store: Store, texts: PageTexts, said: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    sentence, test = texts["scaling_claims"][claim["id"]]
    kinds = texts["scaling_kinds"]
    names = {"kind": kinds[claim["kind"]], "others": ", ".join(kinds[other] for other in claim["others"])}
    figure, counts = claim["figure"], claim["counts"]
    if figure is None:
        told = [texts.say("evidence_scaling_few", least=min(counts.values()))]
    else:
        others = sum(counts[other] for other in claim["others"])
        facts = {name: _number(figure[name]) for name in ("mean", "low", "high")}
        told = [
            texts.say(
                "evidence_scaling_figure",
                count=counts[claim["kind"]],
                of=others,
                p=f"{claim['p']:.3f}",
                **names,
                **facts,
            )
        ]
        for pair in claim["pairs"]:
            facts = {name: _number(pair["figure"][name]) for name in ("mean", "low", "high")}
            told.append(texts.say("evidence_scaling_pair", kind=names["kind"], other=kinds[pair["other"]], **facts))
    svg = store.svg(store.claim_plot(claim["id"]))
    return {
        "id": claim["id"],
        "sentence": sentence,
        "test": test,
        "verdict": claim["verdict"] if claim["verdict"] in JUDGED else "open",
        "word": texts["evidence_verdicts"][claim["verdict"]],
        "told": told,
        "see": None,
        "svg": drawing(svg, f"ev-claim-{claim['id']}-", " ".join([sentence, *told]), said) if svg else None,
    }


def _number(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _whole(claim: object) -> bool:
    """Whether a verdict has all that is shown of it, of the right kinds."""
    if not isinstance(claim, Mapping) or claim.get("id") not in CLAIMS or claim.get("kind") not in KINDS:
        return False
    others, counts, pairs = (claim.get(name) for name in ("others", "counts", "pairs"))
    return (
        isinstance(others, list)
        and bool(others)
        and all(other in KINDS for other in others)
        and claim.get("verdict") in ("holds", "fails", "open", "too_few")
        and isinstance(counts, Mapping)
        and all(type(counts.get(kind)) is int for kind in (claim["kind"], *others))
        and isinstance(pairs, list)
        and all(isinstance(pair, Mapping) and pair.get("other") in others for pair in pairs)
        and _figured(claim, pairs)
    )


def _figured(claim: Mapping[str, Any], pairs: list[Any]) -> bool:
    if claim.get("figure") is None:
        return claim["verdict"] == "too_few"
    figures = [claim["figure"], *(pair.get("figure") for pair in pairs)]
    whole = all(isinstance(figure, Mapping) and all(map(_is_number, _ends(figure))) for figure in figures)
    return whole and _is_number(claim.get("p"))


def _ends(figure: Mapping[str, Any]) -> list[Any]:
    return [figure.get(name) for name in ("mean", "low", "high")]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
