"""What programs ask without a session: `/describe`, `/overlay` and `/mcp`, and what a host asks: `/healthz`, `/readyz`.

A picture comes as a request's body, and the answer goes back in the same exchange, so that any server of several will
do. All of it stands behind the door, and waits at the gate like a visitor's question; a picture is a file of the upload
folder, read by the same processes, and deleted with the answer. `docs/programs.md` shows how to ask.
"""

import base64
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from anyio.to_thread import run_sync
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from gradio.utils import get_upload_folder
from PIL import Image
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from explain.overlay import tiles
from page import mcp, previews
from page.errors import PageError, Shut
from page.limits import Gate
from page.service import CONTRAST, FINER, ONE_PASS, OWN
from page.texts import TABLES, language_of

GAP = 8  # white pixels between the pictures of an overlay
STATUS = {"busy": 503, "internal": 500, "start_fails": 503}  # of an answer that is none; all others: 400
DEEPEST = 1.0
Share = Annotated[float, Field(ge=0, le=1)]


class Refusal(PageError):
    """A question that is answered by a sentence. `code` names it, `status` is HTTP's."""

    def __init__(self, code: str, sentence: str) -> None:
        Exception.__init__(self, sentence)
        self.code, self.sentence, self.status = code, sentence, STATUS.get(code, 400)


class Guess(BaseModel):
    """A class and its probability."""

    name: str
    share: Share


class Looker(BaseModel):
    """A model and what it says."""

    id: str
    title: str
    says: str = Field(description="the class that it finds likeliest")
    target: str = Field(description="the class that its maps are evidence for")
    guesses: list[Guess] = Field(description="all of up to five classes, else its five likeliest")
    layers: list[str] = Field(description="addresses of all its explained layers, from the input to the output")


class Agreement(BaseModel):
    """How far a model's map agrees with the reference's, at one depth."""

    rank: float | None = Field(description="Spearman's rank correlation, -1 to 1; null where it is not defined")
    overlap: float | None = Field(description="shared part of both maps' hottest fifths, 0 to 1; null likewise")
    luck: list[float] | None = Field(
        description="10th, 50th and 90th percentile of the rank of two trainings that differ by luck alone; "
        "null where that is not known for this picture and these models"
    )


class Stop(BaseModel):
    """One depth, and the layers that are held against each other there."""

    depth: Share
    layers: list[str] = Field(description="address of the layer, one a model")
    agreement: list[Agreement | None] = Field(description="one a model; null for the reference")
    words: list[str] = Field(description="what the page says at this depth")


class Description(BaseModel):
    """What models see in a picture, in numbers and words."""

    rule: str
    target: str = Field(description="what is explained, in words")
    models: list[Looker]
    reference: int = Field(description="place of the model that the others are held against")
    stops: list[Stop] = Field(description="from the shallowest to the deepest")
    notes: list[str] = Field(description="what was done to the picture before it was looked at")
    milliseconds: float = Field(description="that it took, waiting not counted")


def application(gate: Gate) -> FastAPI:
    """The endpoints, to be served behind the door.

    Args:
        gate: at which questions wait; it knows the service.
    """
    service = gate.service
    ids = list(service.cards)
    first = ",".join(service.start) if ids else ""
    app = FastAPI(title=service.texts.say("name"), docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    Models = Annotated[str, Query(description=f"ids of 2 to 6 models, with commas: {', '.join(ids)}")]
    Rule = Annotated[str, Query(description=f"name of a rule: {', '.join(ONE_PASS)}")]
    Target = Annotated[str, Query(description="own (each model's own answer), common, or a class")]
    Language = Annotated[
        str | None,
        Query(
            pattern=f"^({'|'.join(TABLES)})$",
            description=f"of names and sentences: {', '.join(TABLES)}; without it the first that Accept-Language names",
        ),
    ]
    Depth = Annotated[float, Query(ge=0, le=1, description="0: the first layers, 1: the last")]
    picture = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
    body = {"requestBody": {"required": True, "content": picture}}

    async def asked(pieces: AsyncIterator[bytes], client: str, **choice: object) -> dict[str, Any]:
        """The message for a picture that comes in pieces; Refusal if there is none, or if it would take long."""
        if choice["rule"] not in ONE_PASS or choice["target"] in (FINER, CONTRAST):
            texts = service.spoken(choice.get("language")).texts
            raise Refusal("takes_long", texts.say("takes_long", known=", ".join(ONE_PASS)))
        folder = Path(tempfile.mkdtemp(dir=get_upload_folder()))
        try:
            path, size = folder / "picture", 0
            with open(path, "wb") as file:
                async for piece in pieces:
                    size += file.write(piece)
            answer = await gate.ask({"upload": str(path) if size else None, **choice}, None, client)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if answer["kind"] == "error":
            raise Refusal(answer["code"], answer["sentence"])
        return answer

    @app.post("/describe", openapi_extra=body)
    async def describe(
        request: Request,
        models: Models = first,
        rule: Rule = ONE_PASS[0],
        target: Target = OWN,
        language: Language = None,
    ) -> Description:
        """What models see in the picture that is the body: numbers and words."""
        choice = {
            "models": models.split(","),
            "rule": rule,
            "target": target,
            "language": language or _accepted(request),
        }
        return described(await asked(request.stream(), _client(request), **choice))

    @app.post("/overlay", openapi_extra=body, response_class=Response, responses={200: {"content": {"image/png": {}}}})
    async def overlay(
        request: Request,
        models: Models = first,
        rule: Rule = ONE_PASS[0],
        target: Target = OWN,
        depth: Depth = DEEPEST,
    ) -> Response:
        """The picture that is the body with each model's map over it, side by side, as one PNG; in English."""
        choice = {"models": models.split(","), "rule": rule, "target": target}
        message = await asked(request.stream(), _client(request), **choice)
        return Response(await run_sync(drawn, message, depth), media_type="image/png")

    @app.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.api_route("/readyz", methods=["GET", "HEAD"], include_in_schema=False)
    async def ready() -> dict[str, str]:
        if service.problem:
            raise Shut("start_fails", 503)
        if not service.state()["ready"]:
            raise Shut("not_ready", 503)
        return {"status": "ready"}

    tools = mcp.Tools(service, asked, describe=described, overlay=drawn)

    @app.post("/mcp", include_in_schema=False)
    async def call(request: Request) -> Response:
        answer = await tools.answer(await request.body(), _client(request))
        return Response(status_code=202) if answer is None else JSONResponse(answer)

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> JSONResponse:
        return _said(error.code, error.sentence, error.status)

    @app.exception_handler(Shut)
    async def shut(request: Request, error: Shut) -> JSONResponse:
        return _said(error.code, service.spoken(_accepted(request)).texts.told(error), error.status)

    @app.exception_handler(HTTPException)
    async def nothing(request: Request, error: HTTPException) -> JSONResponse:
        return _said("no_address", service.spoken(_accepted(request)).texts.say("no_address"), 404)

    @app.exception_handler(RequestValidationError)
    async def argument(request: Request, error: RequestValidationError) -> JSONResponse:
        return _said("argument", service.spoken(_accepted(request)).texts.say("argument"), 400)

    return app


def described(message: Mapping[str, Any]) -> Description:
    """What a message (`explain.view.message`) says, without its pictures."""
    models, stops = message["models"], message["stops"]
    return Description(
        rule=message["rule"],
        target=message["target"]["text"],
        models=[
            Looker(
                id=model["id"],
                title=model["title"],
                says=model["says"],
                target=model["target"],
                guesses=[Guess(name=bar["name"], share=bar["share"]) for bar in model["bars"]],
                layers=[layer["address"] for layer in model["layers"]],
            )
            for model in models
        ],
        reference=message["reference"],
        stops=[
            Stop(
                depth=stop["depth"],
                layers=[model["layers"][place]["address"] for model, place in zip(models, stop["layers"], strict=True)],
                agreement=[versus and _agreement(versus) for versus in stop["versus"]],
                words=[sentence["text"].replace("**", "") for sentence in stop["words"]],
            )
            for stop in stops
        ],
        notes=message["picture"]["notes"],
        milliseconds=message["cost"]["milliseconds"],
    )


def _agreement(versus: Mapping[str, Any]) -> Agreement:
    band = versus["band"]
    return Agreement(rank=versus["rank"], overlap=versus["overlap"], luck=band and band["rank"])


def drawn(message: Mapping[str, Any], depth: float = DEEPEST) -> bytes:
    """Each model's map over the picture, at the stop nearest to a depth (0 to 1), side by side: a PNG."""
    stop = min(message["stops"], key=lambda stop: abs(stop["depth"] - depth))
    source = base64.b64decode(message["picture"]["src"].partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(source)).convert("RGB"))
    cells, titles = [], []
    for model, place in zip(message["models"], stop["layers"], strict=True):
        packed = model["layers"][place]["map"]
        heat = np.frombuffer(base64.b64decode(packed["data"]), np.uint8).reshape(packed["size"])
        cells.append(previews.over(picture, heat.astype(np.float32) * packed["max"]))
        titles.append(f"{model['title']}: {model['target']}")
    file = io.BytesIO()
    Image.fromarray(tiles(cells, len(cells), GAP, titles)).save(file, "PNG")
    return file.getvalue()


def _client(request: Request) -> str:
    """Whose question it is; the door has seen to the address."""
    return request.client.host if request.client else ""


def _accepted(request: Request) -> str:
    """The first language that a request accepts of those that there are."""
    return language_of(request.headers.get("accept-language", "")[:200])


def _said(code: str, sentence: str, status: int) -> JSONResponse:
    """As the door says it."""
    return JSONResponse({"detail": sentence, "error": sentence, "code": code}, status, {"cache-control": "no-store"})
