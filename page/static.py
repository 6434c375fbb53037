"""The page as files: every experiment over the examples, answered beforehand, to be looked at without a server.

    python -m page.static --out DIR [--live URL] [--languages en ko]

DIR holds `index.html` and a page for each experiment and example, which need nothing but themselves: a browser opens
them from disk, any host serves them. Of several languages the first is there, each other in a folder of its name, and a
link leads from a page to the same one in another language. A page says in its first line what it was made of, so that a
second call makes only what is missing, broken off or of another state, and takes away what is there no more.
"""

import argparse
import hashlib
import html
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from tqdm import tqdm

from explain import view
from explain.errors import UserError
from explain.view.words import capital
from page import layout
from page.errors import PageError
from page.examples import Example, ordered
from page.service import ROOT, Service
from page.texts import TABLES
from study.experiments import Experiment

MARK = "<!-- two-minds {digest} -->\n"
MARKED = re.compile(r"<!-- two-minds ([0-9a-f]{64}) -->\n")
END = "</html>\n"
CODE = ("explain", "page", "study")  # what a page is made by
SUFFIXES = (".py", ".js", ".css", ".html")


def make(
    service: Service, out: Path, live: str | None = None, quiet: bool = True, languages: Sequence[str] = ()
) -> int:
    """Make the site, or what is missing of it.

    Args:
        service: whose experiments and examples; its first models loaded (`Service.load`).
        out: the folder, made where it is not there.
        live: address of a live page, for who has a photo of his own.
        quiet: show no progress.
        languages: names of `page.texts.TABLES`, the first one's pages at the top; by default the service's alone.

    Returns:
        How many pages were made.

    Raises:
        PageError: for an address of another kind than http and https, and where there is nothing to show.
    """
    if live is not None and urlsplit(live).scheme not in ("http", "https"):
        raise PageError("static_live", asked=live)
    if not service.experiments or not service.examples:
        raise PageError("static_nothing")
    languages = list(dict.fromkeys(languages or [service.texts.language]))
    folders = {language: f"{language}/" if number else "" for number, language in enumerate(languages)}
    sites = {language: Site(service.spoken(language), live, folders) for language in languages}
    made_of = {(folders[name] + place): (site, place) for name, site in sites.items() for place in site.places()}
    pages = {path: site.digest(place) for path, (site, place) in made_of.items()}
    missing = [path for path, digest in pages.items() if _digest_of(out / path) != digest]
    for path in tqdm(missing, desc=service.texts.say("static_progress"), unit="page", disable=quiet):
        site, place = made_of[path]
        text = site.index() if place == site.first else site.page(place)
        _write(out / path, MARK.format(digest=pages[path]) + text)
    for path in [*out.glob("*.html"), *out.glob("*/*.html"), *out.glob("*/*/*.html")]:
        if _digest_of(path) and path.relative_to(out).as_posix() not in pages:
            path.unlink()
    return len(missing)


class Site:
    """What stands on each page of a site in one language; a page is named by its place, its path in the folder of it.

    Args:
        service: that speaks the language.
        live: as `make` has it.
        folders: of all languages, with a slash at the end, or empty.
    """

    first = "index.html"

    def __init__(self, service: Service, live: str | None, folders: Mapping[str, str]) -> None:
        self.service, self.live, self.say, self._folders = service, live, service.texts.say, folders
        self._experiments = dict(zip(_names(e.id for e in service.experiments), service.experiments, strict=True))
        self._examples = dict(zip(_names(service.examples), service.examples.values(), strict=True))
        self._thumbs = {name: layout.thumbnail(each.path, 184, 138) for name, each in self._examples.items()}
        self._made_of = _digest(self._sources(), str(live).encode(), repr((service.texts.language, folders)).encode())

    def places(self) -> Iterator[str]:
        """The first page, and one for each experiment and example."""
        yield self.first
        for experiment in self._experiments:
            for example in self._examples:
                yield f"{experiment}/{example}.html"

    def digest(self, place: str) -> str:
        """Of all that a page is made of."""
        return _digest([self._made_of.encode(), place.encode()])

    def index(self) -> str:
        """The first page."""
        texts, say = self.service.texts, self.say
        points = "".join(f"<li>{html.escape(point)}</li>" for point in texts["about_points"])
        body = [
            f"<h1>{html.escape(say('name'))}{self._languages(self.first)}</h1>"
            f'<p class="tm-soft">{html.escape(capital(say("tagline")))}.</p>',
            f"<p>{html.escape(say('static_what'))}</p>{self._way_to_live(None)}",
            *(self._article(name, experiment) for name, experiment in self._experiments.items()),
            f'<div class="tm-about"><h2>{say("about_read")}</h2><ul>{points}</ul>',
            f"<h2>{say('about_sources')}</h2><p>{say('about_sources_text')}</p>",
            f"{layout.sources(self.service)}</div>",
        ]
        styles = view.joined([view.STYLE, layout.VIEW / "style.css", layout.VIEW / "static.css"])
        return (
            (layout.VIEW / "static.html")
            .read_text(encoding="utf-8")
            .format(language=texts.language, name=html.escape(say("name")), style=styles, body="\n".join(body))
        )

    def page(self, place: str) -> str:
        """The page of an experiment and an example."""
        name, _, example_name = place.removesuffix(".html").partition("/")
        experiment, example = self._experiments[name], self._examples[example_name]
        service = self.service
        picture, shows = service.example(example.id), service.shows(example.id)
        message = service.answer(picture, experiment.models, shows=shows)
        about = {"picture": example.title, "question": experiment.question}
        shell = view.shell(
            service.texts,
            self._around(name, example_name),
            [layout.VIEW / "static.css"],
            [layout.VIEW / "static.js"],
        )
        return shell.replace(view.KEPT, view.packed({"message": message, "view": {}, "about": about}))

    def _around(self, experiment: str, example: str) -> str:
        """The ways to other pages, above a comparison."""
        say, chosen = self.say, self._experiments[experiment]
        ways = "".join(
            f'<a data-way href="../{quote(name)}/{quote(example)}.html"{_current(name == experiment)}>'
            f"{html.escape(each.title)}</a>"
            for name, each in self._experiments.items()
        )
        pictures = "".join(
            f'<a data-way href="{quote(name)}.html"{_current(name == example)}>{self._image(name)}</a>'
            for name in self._ordered(chosen)
        )
        return (
            f'<header class="tm-site"><nav aria-label="{html.escape(say("static_ways"))}">'
            f'<a class="tm-name" href="../{self.first}">{html.escape(say("name"))}</a>'
            f"{self._languages(f'{experiment}/{example}.html')}"
            f'<div class="tm-ways" tabindex="0">{ways}</div>{self._way_to_live(chosen)}'
            f'<div class="tm-pictures" tabindex="0">{pictures}</div></nav>'
            f'<p class="tm-credit">{html.escape(self._credit(self._examples[example]))}</p></header>'
        )

    def _languages(self, place: str) -> str:
        """Links to the same page in other languages."""
        language = self.service.texts.language
        top = "../" * (self._folders[language] + place).count("/")
        links = ""
        for name, folder in self._folders.items():
            if name != language:
                called = self.service.spoken(name).texts.say("language")
                links += f'<a data-way lang="{name}" href="{top}{folder}{quote(place)}">{called}</a>'
        return links and f'<span class="tm-tongues">{links}</span>'

    def _article(self, name: str, experiment: Experiment) -> str:
        """An experiment on the first page."""
        names = self._ordered(experiment)
        offered = "".join(f'<a href="{quote(name)}/{quote(each)}.html">{self._image(each)}</a>' for each in names)
        preview = layout.preview(self.service, experiment, [self._examples[each].id for each in names])["src"]
        shown = f'<img src="{preview}" alt="">'
        return (
            f'<article><a href="{quote(name)}/{quote(names[0])}.html" tabindex="-1" aria-hidden="true">{shown}</a>'
            f"<div><h2>{html.escape(experiment.title)}</h2><p>{_rich(experiment.question)}</p>"
            f'<div class="tm-offer">{offered}</div></div></article>'
        )

    def _ordered(self, experiment: Experiment) -> list[str]:
        """The examples' names, those that are for these models first."""
        names = {each.id: name for name, each in self._examples.items()}
        classes = self.service.cards[experiment.models[0]].classes
        return [names[each] for each in ordered(self.service.examples, experiment.examples, classes)]

    def _image(self, name: str) -> str:
        title = html.escape(capital(self._examples[name].title))
        return f'<img src="{self._thumbs[name]}" alt="{title}" title="{title}">'

    def _credit(self, example: Example) -> str:
        facts = {"title": capital(example.title), "author": example.author, "licence": example.licence}
        return self.say("static_credit", **facts) if example.author and example.licence else facts["title"]

    def _way_to_live(self, experiment: Experiment | None) -> str:
        """Where the live page takes a photo."""
        if self.live is None:
            return ""
        address = self.live + ("" if experiment is None else "#" + urlencode({"experiment": experiment.id}))
        return f'<a class="tm-live" href="{html.escape(address)}">{html.escape(self.say("static_own"))}</a>'

    def _sources(self) -> Iterator[bytes]:
        """All that pages are made of: code, what was measured, cards, examples."""
        service = self.service
        code = (path for room in CODE for path in (ROOT / room).rglob("*") if path.suffix in SUFFIXES)
        measured = service.evidence.rglob("*.json")
        cards = service.weights.glob("*/card.json")
        predictions = service.weights.glob("*/evaluation/predictions.npz")
        lists = [service.weights / "experiments.json", service.pictures / "examples.json"]
        examples = (example.path for example in service.examples.values())
        for paths in (code, measured, cards, predictions, lists, examples):
            for path in sorted(paths):
                if path.is_file():
                    yield path.name.encode()
                    yield path.read_bytes()


def _names(ids: Iterable[str]) -> list[str]:
    """Names of files for ids, each another one, also where a disk takes capitals for small letters; no language's."""
    names: list[str] = []
    for each in ids:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", each).strip("-") or "page"
        name, number = plain, 2
        while name.lower() in (taken.lower() for taken in (*names, *TABLES)):
            name, number = f"{plain}-{number}", number + 1
        names.append(name)
    return names


def _rich(text: str) -> str:
    """Text with **stars** around what stands out, as HTML."""
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))


def _current(chosen: bool) -> str:
    return ' aria-current="page"' if chosen else ""


def _digest(*parts: Iterable[bytes] | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for piece in [part] if isinstance(part, bytes) else part:
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()


def _digest_of(path: Path) -> str | None:
    """What a page was made of, if it is one of a site, and whole."""
    if not path.is_file():
        return None
    with open(path, "rb") as file:
        match = MARKED.match(file.read(100).decode(errors="replace"))
        file.seek(max(0, path.stat().st_size - len(END)))
        return match[1] if match and file.read() == END.encode() else None


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m page.static", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the site goes")
    parser.add_argument("--live", metavar="URL", help="a live page, where visitors can bring a photo of their own")
    tongues = {"nargs": "+", "choices": list(TABLES), "metavar": "NAME"}
    parser.add_argument("--languages", **tongues, help=f"of {', '.join(TABLES)}, the first one's pages at the top")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of checkpoints (default: weights/)")
    parser.add_argument("--evidence", type=Path, metavar="DIR", help="folder of what was measured (default: evidence/)")
    parser.add_argument("--examples", type=Path, metavar="DIR", help="folder of pictures (default: examples/)")
    options = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    out, live, languages = options.pop("out"), options.pop("live", None), options.pop("languages", [])
    service = Service(**options)
    try:
        service.load()
        made = make(service, out, live, quiet=False, languages=languages)
    except UserError as error:
        print(service.texts.told(error), file=sys.stderr)
        return 1
    print(service.texts.say("static_made", count=made, place=out / Site.first))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.exit(main())
