"""One comparison drawn in a browser: its message, its words, and the template, style and scripts that draw it.

The scripts are one function body, joined in order; they need `element`, which holds the template, and `props.catalog`,
which is `catalog`'s and whatever a page adds for scripts of its own behind these.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from explain.overlay import colours, difference
from explain.rules import RULES
from explain.view.message import base64_of
from explain.view.texts import Texts

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
    """What the scripts need beside a message: labels, the name, all rules, tables of colours."""
    scale = np.linspace(0, 1, 256)[None]
    return {
        "labels": texts["view_labels"],
        "name": texts.say("name"),
        "rules": [
            {"name": name, "title": rule.title, "about": f"{rule.equation}\n{rule.warning}".strip()}
            for name, rule in RULES.items()
        ],
        "colours": [
            {"name": name, "title": title, "table": base64_of(colours(scale, name))}
            for name, title in texts["colours"].items()
        ],
        "diverging": base64_of(difference(np.linspace(-1, 1, 255)[None], 1.0)),
    }
