"""One comparison drawn in a browser: its message, its words, and the template, style and scripts that draw it.

The scripts are one function body, joined in order; they need `element`, which holds the template, and `props.catalog`,
which is `catalog`'s and whatever a page adds for scripts of its own behind these. `document` puts all that and a
message into one HTML file that needs nothing else.
"""

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explain.overlay import colours, difference
from explain.rules import RULES
from explain.tables import COMPARISON_COLUMNS
from explain.view.message import base64_of
from explain.view.texts import Texts
from explain.view.texts import texts as texts_of

HERE = Path(__file__).parent
SCRIPTS = tuple(HERE / f"{name}.js" for name in ("common", "maps", "features", "curve", "zoom", "show", "save"))
STYLE = HERE / "style.css"
CONTROLS = "<!-- controls -->"  # where a page's own controls stand in the template


def joined(files: Iterable[Path]) -> str:
    """Scripts or style sheets as one, in that order."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def template(controls: str = "") -> str:
    """The view's HTML, with a page's own controls (HTML) before its own."""
    return (HERE / "template.html").read_text(encoding="utf-8").replace(CONTROLS, controls)


def catalog(texts: Texts) -> dict[str, Any]:
    """What the scripts need beside a message: labels, the name, all rules, columns of CSV, tables of colours."""
    scale = np.linspace(0, 1, 256)[None]
    return {
        "labels": texts["view_labels"],
        "name": texts.say("name"),
        "rules": [
            {"name": name, "title": rule.title, "about": f"{rule.equation}\n{rule.warning}".strip()}
            for name, rule in RULES.items()
        ],
        "columns": list(COMPARISON_COLUMNS),
        "colours": [
            {"name": name, "title": title, "table": base64_of(colours(scale, name))}
            for name, title in texts["colours"].items()
        ],
        "diverging": base64_of(difference(np.linspace(-1, 1, 255)[None], 1.0)),
    }


KEPT = "<!-- kept -->"  # where what a document holds stands in `shell`


def shell(texts: Texts, around: str = "", style: Iterable[Path] = (), scripts: Iterable[Path] = ()) -> str:
    """A document without its message: with what `packed` gives in place of `KEPT` it is whole.

    `around` is HTML that stands before the comparison; `style` and `scripts` are files for it.
    """
    parts = {
        "/* style */": joined([STYLE, *style]),
        "<!-- language -->": texts.language,
        "<!-- name -->": html.escape(texts.say("name")),
        "<!-- around -->": around,
        "<!-- view -->": template(),
        "/* scripts */": joined((*SCRIPTS, HERE / "document.js", *scripts)),
        "/* props */": packed({"catalog": catalog(texts)}),
    }
    text = (HERE / "document.html").read_text(encoding="utf-8")
    for place, part in parts.items():
        text = text.replace(place, part)
    return text


def packed(value: Any) -> str:
    """JSON that may stand in a script of an HTML document."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def document(
    message: Mapping[str, Any],
    texts: Texts | None = None,
    about: Mapping[str, str] | None = None,
    view: Mapping[str, Any] | None = None,
) -> str:
    """One comparison as one HTML file, which a browser opens from disk: it asks for nothing, and all of it works.

    In a notebook it stands in a frame of its own: `<iframe srcdoc="...">` with the document escaped.

    Args:
        message: as `explain.view.message.message` makes it, before or after a server has added to it.
        texts: sentences of a language; by default English.
        about: what stands above it, all of it optional: {"picture": its name, "question": that the models answer, with
            **stars** around what stands out, "date": when it was made}.
        view: how it is shown at first, all of it optional: {"depth": 0 to 1, "mode": "overlay", "map", "features" or
            "saw", "colours": a name of `explain.overlay`, "opacity": 0 to 1, "order": "same" or "own", "picked": place
            of the model whose agreement is told}.

    Returns:
        About 0.2 MB and the message, of two models of 192 pixels 1 MB in all.

    Example:
        >>> text = document(message(picture, explained, comparison))  # doctest: +SKIP
        >>> Path("comparison.html").write_text(text, encoding="utf-8")  # doctest: +SKIP
    """
    kept = {"message": message, "view": dict(view or {}), "about": dict(about or {})}
    return shell(texts or texts_of()).replace(KEPT, packed(kept))
