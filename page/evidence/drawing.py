"""The SVG cleaner: plots from files, made such that they can stand in the page."""

import functools
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from study.store import COLOURS

LARGEST = 2**20  # characters of a plot; ours have 63,000
DEEPEST = 32  # elements in one another; ours have 7

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {"svg", "g", "defs", "path", "use", "text", "tspan", "rect", "circle", "ellipse", "line", "polyline"}
_ELEMENTS |= {"polygon", "clipPath", "image", "linearGradient", "stop", "title"}
_ATTRIBUTES = {
    "d",
    "x",
    "y",
    "width",
    "height",
    "transform",
    "points",
    "r",
    "cx",
    "cy",
    "rx",
    "ry",
    "x1",
    "x2",
    "y1",
    "y2",
}
_ATTRIBUTES |= {"offset", "opacity", "preserveAspectRatio", "viewBox", "clip-path", "fill", "stroke", "dx", "dy"}
_STYLES = {"fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray"}
_STYLES |= {"stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "opacity", "clip-rule"}
_STYLES |= {"font-size", "font-weight", "font-style", "text-anchor", "image-rendering", "stop-color", "stop-opacity"}
_PLAIN = re.compile(r"[\w\s#.,%+-]*")  # of a style's value: no address, no function
_REFERENCE = re.compile(r"url\(#([\w.:-]+)\)")
_NAME = re.compile(r"[\w.:-]+")
_PNG = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]*")
_THEMED = {colour: f"var(--tm-plot-{name})" for name, colour in COLOURS.items()}


@functools.lru_cache(maxsize=128)
def drawing(text: str, prefix: str, label: str, said: tuple[tuple[str, str], ...] = ()) -> str | None:
    """An SVG that can stand in a page with others: shapes, words and embedded PNGs, and nothing else of it.

    No script, no handler, no style sheet, no reference to anything outside of it. Its ids begin with `prefix`; fonts
    are the page's; three colours (left, right, luck) follow the page's light and dark.

    Args:
        text: the SVG document.
        prefix: unique in the page.
        label: what it shows, for those who don't see it.
        said: words and titles that stand in it, each with what stands there instead.

    Returns:
        SVG as text; None where `text` is none, or longer or nested deeper than a plot is.
    """
    if len(text) > LARGEST or re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        return None
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):  # ValueError: half a character
        return None
    if root.tag != f"{_SVG}svg" or not root.get("viewBox"):
        return None
    try:
        copy = _clean(root, prefix, dict(said))
    except ValueError:
        return None
    for name in set(copy.keys()) - {"viewBox"}:
        del copy.attrib[name]
    copy.attrib |= {"xmlns": _SVG[1:-1], "role": "img", "aria-label": label}
    return ElementTree.tostring(copy, encoding="unicode")


def _clean(element: ElementTree.Element, prefix: str, said: Mapping[str, str], depth: int = 0) -> ElementTree.Element:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    copy = ElementTree.Element(element.tag.removeprefix(_SVG))
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        if name == "href":
            if copy.tag == "use" and value.startswith("#") and _NAME.fullmatch(value[1:]):
                copy.set("href", f"#{prefix}{value[1:]}")
            elif copy.tag == "image" and _PNG.fullmatch(value):
                copy.set("href", re.sub(r"\s", "", value))
        elif name == "id":
            if _NAME.fullmatch(value):
                copy.set("id", prefix + value)
        elif name == "style":
            copy.set("style", _style(value, prefix))
        elif key in _ATTRIBUTES and (plain := _value(value, prefix, r"[\w\s#.,%+()-]*")) is not None:
            copy.set(key, plain)
    if copy.tag in ("text", "tspan", "title"):
        copy.text = element.text and _said(element.text, said)
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(_SVG) and child.tag.removeprefix(_SVG) in _ELEMENTS:
            inner = _clean(child, prefix, said, depth + 1)
            inner.tail = child.tail if copy.tag == "text" else None
            copy.append(inner)
    return copy


def _said(text: str, said: Mapping[str, str]) -> str:
    """A text of a plot in another language: the whole, or what it is put together from."""
    if text in said:
        return said[text]
    for between, other in ((": ", ": "), (" and ", ", ")):
        parts = text.split(between)
        if len(parts) > 1 and any(part in said for part in parts):
            return other.join(said.get(part, part) for part in parts)
    return text


def _style(text: str, prefix: str) -> str:
    kept = []
    for part in text.split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name in _STYLES and (plain := _value(value, prefix)) is not None:
            kept.append(f"{name}:{_THEMED.get(plain.lower(), plain)}")
    return ";".join(kept)


def _value(value: str, prefix: str, plain: str | re.Pattern = _PLAIN) -> str | None:
    """An attribute's value, if it names nothing outside: words and numbers, or a reference to something inside."""
    if reference := _REFERENCE.fullmatch(value.strip()):
        return f"url(#{prefix}{reference[1]})"
    return value if re.fullmatch(plain, value) and "url" not in value.lower() else None
