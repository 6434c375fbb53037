"""Which addresses lead to Gradio, and whose requests are whose."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.types import Scope

from page.errors import Shut


@dataclass(frozen=True)
class Route:
    """An address that leads to Gradio.

    Attributes:
        methods: of HTTP.
        path: what it looks like, whole; its groups are handed to `look`.
        kind: a key of SHARES.
        query: parameters that are handed on; each a plain name.
        look: name of the Door's method that looks at a question's body, or at a stream's name, first.
    """

    methods: tuple[str, ...]
    path: str
    kind: str
    query: tuple[str, ...] = ()
    look: str = ""

    def match(self, method: str, path: str) -> re.Match[str] | None:
        """The path's match, if it is this one."""
        return re.fullmatch(self.path, path) if method in self.methods else None


NAME = r"[A-Za-z0-9_-]{1,64}"
LONGEST = 4096  # bytes of a program's parameters
GET, POST, LOOK = ("GET",), ("POST",), ("GET", "HEAD")
API = "/gradio_api"
ROUTES = (
    Route(LOOK, "/", "page"),
    Route(LOOK, r"/(?:assets|static)/[A-Za-z0-9_./-]+", "asset"),
    Route(LOOK, rf"(?:{API})?/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json", "asset"),
    Route(GET, rf"/config/?|{API}/info/?|{API}/app_id/?", "page"),
    Route(GET, rf"{API}/heartbeat/{NAME}", "stream"),
    Route(GET, rf"{API}/upload_progress", "stream", ("upload_id",)),
    Route(GET, rf"{API}/queue/data", "stream", ("session_hash",), "session"),
    Route(GET, rf"{API}/call/(?:v2/)?({NAME})/({NAME})", "stream", (), "event"),
    Route(POST, rf"{API}/upload/?", "upload", ("upload_id",)),
    Route(POST, rf"{API}/queue/join", "question", (), "join"),
    Route(POST, rf"{API}/call/({NAME})/?", "question", (), "call"),
    Route(POST, rf"{API}/call/v2/({NAME})/?", "question", (), "named_call"),
    Route(POST, rf"{API}/component_server/?", "question", (), "component"),
    Route(POST, rf"{API}/cancel/?", "question", (), "cancel"),
    Route(POST, rf"{API}/reset/?", "question", (), "reset"),
)
# And those that `page.programs` answers
READY = "/readyz"
OWN = (
    Route(LOOK, f"/healthz|{READY}", "health"),
    Route(GET, r"/openapi\.json", "page"),
    Route(POST, "/describe", "program", ("models", "rule", "target", "language"), "picture"),
    Route(POST, "/overlay", "program", ("models", "rule", "target", "depth"), "picture"),
    Route(POST, "/mcp", "program", (), "tool"),
)


def route_of(scope: Scope) -> tuple[Route, tuple[str, ...]]:
    """The route of a request, with the groups of its path. Shut if it has none."""
    method = scope["method"]
    if method == "OPTIONS":
        asked = dict(scope["headers"]).get(b"access-control-request-method", b"").decode("latin-1")
        method = asked or method
    path = scope["path"]
    for route in (*ROUTES, *OWN) if "//" not in path and "/.." not in path else ():
        if match := route.match(method, path):
            return route, match.groups()
    raise Shut("no_address", 404)


WORDS = {word for route in (*ROUTES, *OWN) for word in re.findall(r"\w{3,}", route.path)}


def told(path: str) -> str:
    """An address as the log has it: without whatever a visitor put into it."""
    return "/".join(part if part in WORDS or not part else "…" for part in path.split("/"))


def network(address: str) -> str:
    """An address as its client's: an IPv4 one whole, of IPv6 the first 64 bits, other text as it is."""
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        known = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if known.version == 6 and known.ipv4_mapped:
        known = known.ipv4_mapped
    return str(known) if known.version == 4 else str(ipaddress.ip_network(f"{known}/64", strict=False))


def query_of(scope: Scope, route: Route) -> bytes:
    """What is handed on of a request's parameters. Shut if one of them is no plain name."""
    if not route.query:
        return b""
    if route.kind == "program":  # values of any kind, which our own code looks at
        if len(scope["query_string"]) > LONGEST:
            raise Shut("not_known", 400)
        return scope["query_string"]
    given = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=10, keep_blank_values=True))
    known = {name: given[name] for name in route.query if name in given}
    missing = route.kind == "stream" and len(known) < len(route.query)
    if missing or not all(re.fullmatch(NAME, value) for value in known.values()):
        raise Shut("not_known", 400)
    return urlencode(known).encode()
