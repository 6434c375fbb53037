"""A stand-in for a Hub of models, on this machine: repositories in memory, as huggingface_hub asks for them."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub:
    """At `url`, while it is entered.

    Attributes:
        files: by kind and name of a repository, what lies in it by path.
        tokens: that requests came with.
    """

    def __init__(self) -> None:
        self.files, self.tokens, self.made = {}, set(), {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, body, headers=(), status=200):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_POST(self):
                hub.tokens.add(self.headers.get("Authorization"))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0].strip("/").split("/")
                if path == ["api", "repos", "create"]:
                    asked = json.loads(body)
                    kind = asked.get("type") or "model"
                    name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
                    name = name if "/" in name else f"minds/{name}"
                    hub.files.setdefault((kind, name), {})
                    hub.made[kind, name] = asked
                    return self.answer({"url": f"{hub.url}/{name}", "name": name})
                if path == ["api", "validate-yaml"]:
                    return self.answer({"errors": [], "warnings": []})
                if path[:1] == ["api"] and path[4:5] == ["preupload"]:
                    mode = {"uploadMode": "regular", "shouldIgnore": False}
                    return self.answer({"files": [mode | {"path": each["path"]} for each in json.loads(body)["files"]]})
                if path[:1] == ["api"] and path[4:5] == ["commit"]:
                    held = hub.files[path[1].rstrip("s"), "/".join(path[2:4])]
                    for line in map(json.loads, body.splitlines()):
                        if line["key"] == "file":
                            held[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                        elif line["key"] == "deletedFile":
                            held.pop(line["value"]["path"], None)
                    oid = hashlib.sha1(body).hexdigest()
                    url = f"{hub.url}/{'/'.join(path[2:4])}/commit/{oid}"
                    return self.answer({"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""})
                return self.answer({"error": self.path}, status=404)

            def do_GET(self):
                hub.tokens.add(self.headers.get("Authorization"))
                path = self.path.partition("?")[0].strip("/").split("/")
                if "resolve" in path:
                    held = hub.files.get(("model", "/".join(path[:2])), {})
                    content = held.get("/".join(path[4:]))
                    if content is None:
                        return self.answer({"error": "no"}, {"X-Error-Code": "EntryNotFound"}, 404)
                    tag = hashlib.sha256(content).hexdigest()
                    return self.answer(content, {"ETag": f'"{tag}"', "X-Repo-Commit": path[3], "Accept-Ranges": "none"})
                if path[:1] == ["api"] and len(path) >= 4:
                    kind, name = path[1].rstrip("s"), "/".join(path[2:4])
                    held = hub.files.get((kind, name))
                    if held is None:
                        return self.answer({"error": "no"}, {"X-Error-Code": "RepoNotFound"}, 404)
                    if path[4:5] == ["tree"]:
                        return self.answer(
                            [{"type": "file", "path": name, "size": len(held[name]), "oid": "0" * 40} for name in held]
                        )
                    siblings = [{"rfilename": name} for name in held]
                    return self.answer(
                        {"id": name, "sha": "0" * 40, "siblings": siblings, "private": False, "tags": []}
                    )
                return self.answer({"error": self.path}, status=404)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
