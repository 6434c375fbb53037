"""A balancer before several servers: it sends requests to one after another, or each client to one and the same."""

import http.client
import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "host"}


class Balancer:
    """At `url`, while it is entered.

    Args:
        urls: of the servers.
        affinity: whether a client, told by a cookie, is always sent to the same server.
    """

    def __init__(self, urls: list[str], affinity: bool) -> None:
        turns = itertools.cycle(range(len(urls)))
        self.asked = [0] * len(urls)
        lock, asked = threading.Lock(), self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                known = affinity and "server=" in self.headers.get("Cookie", "")
                with lock:
                    chosen = int(self.headers["Cookie"].partition("server=")[2][0]) if known else next(turns)
                    asked[chosen] += 1
                parts = urlsplit(urls[chosen])
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                headers["X-Forwarded-For"] = self.headers.get("X-Client", self.client_address[0])
                connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
                try:
                    connection.request(self.command, self.path, self.rfile.read(length) or None, headers)
                    answer = connection.getresponse()
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in HOP | {"content-length", "date"}:
                            self.send_header(name, value)
                    if affinity and not known:
                        self.send_header("Set-Cookie", f"server={chosen}; Path=/")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    while piece := answer.read1(65536):  # a stream is handed on as it comes
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    pass  # one of the two has left
                finally:
                    self.close_connection = True
                    connection.close()

            do_GET = do_POST = do_HEAD = do_OPTIONS = forward

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket.listen(128)  # of itself it lets five wait
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> "Balancer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
