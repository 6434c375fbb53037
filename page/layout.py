"""The page: Gradio's frame around the one view that draws everything, the endpoint for programs, and About."""

import base64
import functools
import html
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError
from PIL import Image

from explain import view
from explain.align import MOST
from explain.cards import Card
from explain.pictures import ACCEPTED, MAX_BYTES, MEGA
from explain.rules import RULES
from explain.view.message import SMALL
from explain.view.words import capital
from page import evidence, limits, previews, uploads
from page.errors import PageError
from page.examples import belongs, ordered
from page.service import FINER, ONE_PASS, OWN, Service, commands
from page.survey import Survey
from page.texts import TABLES, PageTexts
from page.theme import theme
from study.experiments import Experiment
from study.store import same_recipe

VIEW = Path(__file__).parent / "view"
ASKING = ("address", "connection", "photos", "ask", "zip", "many", "classes", "methods", "faithful")
ASKING += ("choosers", "history", "start", "tour")
LANGUAGE = VIEW / "language.js"
SCRIPTS = (LANGUAGE, *view.SCRIPTS, *(VIEW / f"{name}.js" for name in ASKING))
LISTING = (LANGUAGE, view.HERE / "common.js", VIEW / "address.js", VIEW / "listing.js")
EVIDENCE = (*LISTING, *(VIEW / f"{name}.js" for name in ("evidence-classes", "evidence")))
SURVEY = (*LISTING, VIEW / "survey.js")
STYLES = (view.STYLE, VIEW / "style.css", VIEW / "evidence.css", VIEW / "evidence-classes.css")
MINUTES = sum(uploads.SWEEP) // 60  # that a photo is kept at most
LARGE = 3  # examples that are kept large where there is no experiment
FEW = 3  # classes that a sentence names


def build(service: Service) -> gr.Blocks:
    """The page, to be served by `page.server`."""

    def state(language: object = None) -> dict[str, Any]:
        return service.spoken(language).state()

    def prepare(experiment_ids: object = None) -> dict[str, Any]:
        return service.prepare(experiment_ids)

    def rarely(language: object = None) -> dict[str, str]:
        return service.spoken(language).rarely()

    def offered(asked: object = None) -> list[dict[str, Any]]:
        asked = asked if isinstance(asked, dict) else {}
        return service.spoken(asked.get("language")).offered(asked.get("models"))

    def progress(ticket: object = None) -> dict[str, Any] | None:
        return page.gate.progress(ticket)

    def cancel(ticket: object = None) -> bool:
        return page.gate.cancel(ticket)

    def shell(language: object = None) -> dict[str, str]:
        before, behind = view.shell(service.spoken(language).texts).split(view.KEPT)
        return {"before": before, "behind": behind}

    def surveyed(language: object = None) -> Survey:
        assert service.survey
        return service.survey.spoken(service.spoken(language).texts)

    say = service.texts.say
    first = service.texts.language
    spoken = [service, *(service.spoken(language) for language in TABLES if language != first)]
    choices = {each.texts.language: catalog(each) for each in spoken}
    judged = {each.texts.language: evidence.catalog(choices[each.texts.language], each.texts) for each in spoken}
    with Page(title=say("name"), analytics_enabled=False, fill_width=True) as page:
        page.told = service.texts.told
        gr.HTML(
            _head([each.texts for each in spoken]),
            js_on_load=view.joined([LANGUAGE, VIEW / "head.js"]),
            elem_classes="tm-head-box",
            apply_default_css=False,
            catalog=translated({each.texts.language: {"tabs": _tabs(each.texts)} for each in spoken}, first),
        )
        with gr.Tabs():
            with gr.Tab(say("compare"), id="compare", elem_id="tm-compare"):
                comparison = gr.HTML(
                    value=None,
                    html_template=template(),
                    js_on_load=view.joined(SCRIPTS),
                    apply_default_css=False,
                    server_functions=[state, prepare, rarely, offered, progress, cancel, shell],
                    catalog=translated(choices, first),
                )
            if service.cards and not service.opened:
                with gr.Tab(say("evidence"), id="evidence", elem_id="tm-evidence"):
                    gr.HTML(
                        value=None,
                        html_template=(VIEW / "evidence.html").read_text(encoding="utf-8"),
                        js_on_load=view.joined(EVIDENCE),
                        apply_default_css=False,
                        server_functions=service.findings.served(lambda language: service.spoken(language).findings),
                        catalog=translated(judged, first),
                    )
            if service.survey:
                with gr.Tab(say("pictures"), id="pictures", elem_id="tm-pictures"):
                    gr.HTML(
                        value=None,
                        html_template=(VIEW / "survey.html").read_text(encoding="utf-8"),
                        js_on_load=view.joined(SURVEY),
                        apply_default_css=False,
                        server_functions=service.survey.served(surveyed),
                        catalog=translated(
                            {each.texts.language: surveyed(each.texts.language).catalog() for each in spoken}, first
                        ),
                    )
            with gr.Tab(say("about"), id="about", elem_id="tm-about"):
                gr.HTML(said((each.texts.language, about(each)) for each in spoken), apply_default_css=False)

        gate = page.gate = limits.Gate(page, service)

        async def ask(event: gr.EventData, request: gr.Request) -> dict[str, Any]:
            return await gate.ask(event._data, request.session_hash, _client(request))

        comparison.ask(
            ask,
            inputs=None,
            outputs=comparison,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,  # the gate's
        )
        _endpoint(service, gate)
    # Gradio's statistics for /monitoring, which is shut: a table of the last 10,000 questions, made anew after each
    os.environ |= {"GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9), "GRADIO_ANALYTICS_MAX_EVENTS": "1"}
    page.queue(max_size=limits.QUEUE)
    page._queue.sleep_when_free = limits.QUEUE_LOOK
    page._queue.progress_update_sleep_when_free = 1  # seconds; progress comes with the page's own answers
    return page


def options() -> dict[str, Any]:
    """What Gradio needs for the page to look and behave as it should."""
    return {
        "theme": theme(),
        "head": f"<style>{view.joined(STYLES)}{_languages()}</style>",
        "footer_links": ["api"],
        "run_history": False,
        "max_file_size": uploads.MAX_FILE,
        "show_error": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "ssr_mode": False,  # a Node server would stand before the door
    }


class Page(gr.Blocks):
    """Gradio's page that answers a wrong argument with one sentence, where Gradio has a traceback in the log."""

    told: Callable[[PageError], str] = staticmethod(str)  # what an error says, in the page's language

    async def preprocess_data(self, *arguments: Any, **named: Any) -> list[Any]:
        """Gradio's, which raises all kinds of errors for what a request may hold."""
        try:
            return await super().preprocess_data(*arguments, **named)
        except gr.Error:
            raise
        except InvalidPathError:
            raise uploads.refusal(self.told(PageError("not_uploaded")), "not_uploaded") from None
        except Exception:
            raise uploads.refusal(self.told(PageError("argument")), "argument") from None


def template() -> str:
    """Compare's HTML: the view's, with what asks around it."""
    around, controls = ((VIEW / name).read_text(encoding="utf-8") for name in ("template.html", "controls.html"))
    return around.replace("<!-- view -->", view.template(controls))


def _endpoint(service: Service, gate: limits.Gate) -> None:
    """`compare` for gradio_client and plain HTTP: the same answer as the page's, or one sentence."""
    ids = list(service.cards)
    with gr.Row(visible=False):
        image = uploads.GuardedImage(label="picture")
        image.told = service.texts.told
        models = gr.Dropdown(
            ids, value=list(service.start) if ids else [], multiselect=True, allow_custom_value=True, label="models"
        )
        rule = gr.Textbox(ONE_PASS[0], label="rule")
        target = gr.Textbox(OWN, label="target")
        result = gr.JSON(label="result")
        button = gr.Button()

    async def compare(picture: Any, models: list[str], rule: str, target: str, request: gr.Request) -> dict[str, Any]:
        """What models see in a picture: predictions, maps of every layer, their agreement and difference by depth.

        Args:
            picture: JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF, uploaded.
            models: ids of 2 to 6 models; the others are held against the first.
            rule: name of a rule, as gradcam.
            target: own (each model's own answer), common (the class with the highest mean probability), or a class.
        """
        asked = {"upload": picture, "models": models, "rule": rule, "target": target}
        answer = await gate.ask(asked, request.session_hash, _client(request))
        if answer["kind"] == "error":
            raise uploads.refusal(html.escape(answer["sentence"], quote=False), answer["code"])
        return answer

    button.click(
        compare,
        [image, models, rule, target],
        result,
        api_name="compare",
        concurrency_limit=None,  # the gate's
    )


def _client(request: gr.Request) -> str:
    """Whose question it is; the door has seen to the address."""
    return request.client.host if request.client else ""


# --- what there is to choose ------------------------------------------------------------------------------------------


def catalog(service: Service) -> dict[str, Any]:
    """Everything the view needs before the first answer."""
    experiments = [_experiment(service, experiment) for experiment in service.experiments]
    starts = [[*each["within"][:1], *each["examples"][:1]] for each in experiments] or [list(service.examples)[:LARGE]]
    large = {example_id for start in starts for example_id in start}
    drawn = view.catalog(service.texts)
    kinds = ACCEPTED.replace(" or ", service.texts.say("kinds_or"))
    return {
        **drawn,
        "labels": service.texts.labels(),
        "experiments": experiments,
        "models": [
            {
                "id": card.model_id,
                "title": card.title,
                "description": card.description,
                "classes": list(map(service.texts.class_name, card.classes)),
                "groups": list(map(service.texts.class_name, card.groups)),
                "knows": _knows(card, service.texts),
                "networks": list(card.members or [card.model_id]),
            }
            for card in service.cards.values()
        ],
        "start": list(service.start) if service.cards else None,
        "small": SMALL,
        "most": MOST,
        "rules": [
            {
                **rule,
                "sentence": service.texts["rules"].get(rule["name"], ""),
                "paired": rule["name"] in ONE_PASS,
                "slow": RULES[rule["name"]].probes,
            }
            for rule in drawn["rules"]
        ],
        "finer": {
            "name": FINER,
            "title": service.texts.say("finer_title"),
            "sentence": service.texts.say("finer_sentence"),
        },
        "examples": [
            {
                "id": example_id,
                "title": capital(example.title),
                "thumb": thumbnail(example.path, 208, 156),
                "large": thumbnail(example.path, 540, 405) if example_id in large else None,
            }
            for example_id, example in service.examples.items()
        ],
        "accepted": service.texts.say("accepted", kinds=kinds, megabytes=MAX_BYTES // MEGA),
        "megabytes": MAX_BYTES // MEGA,
        "minutes": MINUTES,
        "most_bytes": MAX_BYTES,
        "commands": commands(),
    }


def _experiment(service: Service, experiment: Experiment) -> dict[str, Any]:
    """What the view needs of an experiment."""
    cards = [service.cards[model_id] for model_id in experiment.models]
    classes, texts = cards[0].classes, service.texts
    order = ordered(service.examples, experiment.examples, classes)
    outside = [example_id for example_id in order if belongs(service.examples[example_id].shows, classes) is False]
    return {
        "id": experiment.id,
        "title": experiment.title,
        "question": experiment.question,
        "models": list(experiment.models),
        "names": [capital(name) for name in service.words.names(*(card.title for card in cards))],
        "luck": all(same_recipe(card.recipe, cards[0].recipe) for card in cards[1:]),
        "preview": preview(service, experiment, order),
        "examples": order,
        "within": [example_id for example_id in order if example_id not in outside],
        "neither": outside,
        "within_title": capital(_knows(cards[0], texts)) if outside else texts["labels"]["examples"],
    }


def _knows(card: Card, texts: PageTexts) -> str:
    """What a model tells apart, in a few words."""
    known = texts["known"].get(card.dataset.name if card.dataset else None)
    if known or len(card.classes) > FEW:
        return known or texts.say("known_many", count=len(card.classes))
    return texts.say("known_few", names=texts.say("and").join(texts.class_name(name).lower() for name in card.classes))


def preview(service: Service, experiment: Experiment, examples: list[str]) -> dict[str, Any]:
    """A small picture of an experiment: of each model a cell, side by side; without it an example alone."""
    path = previews.file_of(service, experiment)
    if path.is_file():
        source = "data:image/webp;base64," + base64.b64encode(path.read_bytes()).decode()
        return {"src": source, "cells": len(experiment.models)}
    return {"src": thumbnail(service.examples[examples[0]].path, 240, 180) if examples else "", "cells": 1}


@functools.cache
def thumbnail(path: Path, width: int, height: int) -> str:
    """A small WebP that covers width x height, as a data URL."""
    with Image.open(path) as image:
        image.draft("RGB", (width, height))  # a JPEG is decoded at a fraction of its size
        scale = max(width / image.width, height / image.height)
        small = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=72, method=2)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def translated(catalogs: Mapping[str, Mapping[str, Any]], first: str) -> dict[str, Any]:
    """A catalog with what is otherwise in other languages: {..., "language", "languages": {language: changes}}.

    Changes are nested as the catalog is, by key and by place, and hold what is said otherwise alone.
    """
    others = {language: _changes(catalogs[first], other) for language, other in catalogs.items() if language != first}
    return {**catalogs[first], "language": first, "languages": others}


def _changes(before: Any, after: Any) -> Any:
    if isinstance(before, Mapping) and isinstance(after, Mapping) and before.keys() == after.keys():
        pairs = {key: (before[key], after[key]) for key in before}
    elif isinstance(before, (list, tuple)) and len(before) == len(after):
        pairs = {str(place): pair for place, pair in enumerate(zip(before, after, strict=True))}
    else:
        return after
    return {key: _changes(*pair) for key, pair in pairs.items() if pair[0] != pair[1]}


# --- texts around it --------------------------------------------------------------------------------------------------


def said(parts: Iterable[tuple[str, str]], tag: str = "div") -> str:
    """HTML by language, of which the one that the page has is shown."""
    return "".join(f'<{tag} class="tm-spoken" lang="{language}">{html}</{tag}>' for language, html in parts)


def _languages() -> str:
    """Styles that hide what is said in other languages than the page's."""
    return "".join(f':root[lang="{name}"] .tm-spoken:not([lang="{name}"]) {{ display: none }}' for name in TABLES)


def _tabs(texts: PageTexts) -> dict[str, str]:
    return {name: texts.say(name) for name in ("compare", "evidence", "pictures", "about")}


def _head(texts: Sequence[PageTexts]) -> str:
    tagline = said(((each.language, each.say("tagline")) for each in texts), "span")
    choices = "".join(
        f'<option value="{each.language}" lang="{each.language}">{each.say("language")}</option>' for each in texts
    )
    label = " · ".join(each.say("language_label") for each in texts)
    chooser = f'<select class="tm-languages" aria-label="{label}" title="{label}">{choices}</select>'
    return f'<div class="tm-head"><h1>{texts[0].say("name")}</h1><p>{tagline}</p>{chooser}</div>'


def about(service: Service) -> str:
    """About, as HTML; whatever comes from cards and other files is escaped."""
    say = service.texts.say
    points = "".join(f"<li>{_escaped(point)}</li>" for point in service.texts["about_points"])
    warnings = service.texts["rule_warnings"]
    rules = "".join(
        f"<tr><td>{_escaped(rule.title)}<small>{_escaped(warnings.get(rule.name, rule.warning))}</small></td>"
        f'<td class="tm-equation">{_escaped(rule.equation)}</td><td>{_escaped(rule.source)}</td></tr>'
        for rule in RULES.values()
    )
    problems = "".join(f"<li>{_escaped(folder)}: {_escaped(sentence)}</li>" for folder, sentence in service.problems)
    parts = [
        f"<p>{_escaped(say('about_what'))}</p>",
        f"<h2>{say('about_read')}</h2><ul>{points}</ul><p>{_escaped(say('about_hands'))}</p>{_tour(service)}",
        f"<h2>{say('about_models')}</h2>{_models(service)}",
        f"<p>{say('about_problems')}</p><ul>{problems}</ul>" if problems else "",
        f"<h2>{say('about_rules')}</h2><p>{say('about_rules_text')}</p>{_scrolling(rules)}",
        f"<h2>{say('about_privacy')}</h2><p>{_escaped(say('about_privacy_text', minutes=MINUTES))}</p>",
        f"<h2>{say('about_sources')}</h2><p>{say('about_sources_text')}</p>{sources(service)}",
        f"<h2>{say('about_api')}</h2><p>{say('about_api_text')}</p>",
        f'<pre tabindex="0">{_escaped(_snippet(service))}</pre>',
    ]
    return f'<div class="tm-about">{"".join(parts)}</div>'


def _tour(service: Service) -> str:
    """The way to the tour, as HTML, where there is something to show."""
    if not service.cards or not service.examples:
        return ""
    return f'<p><button type="button" class="tm-tour-again">{_escaped(service.texts.say("about_tour"))}</button></p>'


def _models(service: Service) -> str:
    rows = []
    for card in service.cards.values():
        cells = [
            service.words.accuracy(card)[0],
            _figure(card.test.n, ",.0f"),
            _figure(card.test.log_loss, ".3f"),
            _figure(card.test.calibration_error, ".3f"),
            _figure(card.parameters, ",.0f"),
            _recipe(card),
        ]
        first = f"<td><strong>{_escaped(card.title)}</strong><small>{_escaped(card.description)}</small></td>"
        rows.append(f"<tr>{first}{''.join(f'<td>{_escaped(cell)}</td>' for cell in cells)}</tr>")
    head = "".join(f"<th>{_escaped(column)}</th>" for column in service.texts["about_columns"])
    return _scrolling(f"<tr>{head}</tr>{''.join(rows)}")


def _recipe(card: Card) -> str:
    """Optimizer and learning rate, as far as the card tells them."""
    return ", ".join(str(setting) for setting in (card.optimizer, card.learning_rate) if setting is not None)


def sources(service: Service) -> str:
    """A table of where the examples come from, as HTML."""
    rows = [[example.title, example.author, example.licence, example.source] for example in service.examples.values()]
    return _table([service.texts["about_source_columns"], *rows])


def _table(rows: list[list[str]]) -> str:
    tags = ["th"] + ["td"] * len(rows)
    return _scrolling(
        "".join(
            f"<tr>{''.join(f'<{tag}>{_escaped(cell)}</{tag}>' for cell in row)}</tr>"
            for tag, row in zip(tags, rows, strict=False)
        )
    )


def _snippet(service: Service) -> str:
    models = ", ".join(f'"{model_id}"' for model_id in (service.start if service.cards else ("FIRST", "SECOND")))
    return (
        "from gradio_client import Client, handle_file\n"
        'client = Client("http://localhost:7860")\n'
        f'client.predict(handle_file("photo.jpg"), [{models}], "gradcam", "own", '
        'api_name="/compare")'
    )


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _scrolling(rows: str) -> str:
    return f'<div class="tm-scroll" tabindex="0"><table>{rows}</table></div>'


def _escaped(text: object) -> str:
    return html.escape(str(text))
