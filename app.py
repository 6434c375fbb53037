"""Start the page: python app.py [--weights DIR], or over models of your own: python app.py --models A.keras B.keras.

Host and port by GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

import argparse
import logging
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from explain.align import FEWEST, MOST
from explain.errors import UserError, told
from explain.models import add_options, open_models
from page import log
from page.folder import Folder, sweep

OWN = ("classes", "preprocess", "size", "head", "trust")  # options that go with --models


def parsed() -> dict[str, Any]:
    """The command line's options; models of one's own are opened. Ends with exit code 2 where that cannot be."""
    parser = argparse.ArgumentParser(description="Two Minds: what two models see in one picture.")
    parser.add_argument(
        "--models",
        nargs="+",
        type=Path,
        metavar="FILE",
        help=f"{FEWEST} to {MOST} models of your own, .keras or .h5 files: the page shows these alone",
    )
    add_options(parser)
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of checkpoints (default: weights/)")
    parser.add_argument("--evidence", type=Path, metavar="DIR", help="folder of what was measured (default: evidence/)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        dest="data",
        help="folder of the data set, so that Evidence shows pictures (default: $TWO_MINDS_DATA, else it doesn't); "
        "with --models labelled folders, one a class: where the models differ is looked for in all pictures",
    )
    parser.add_argument(
        "--proxies",
        type=int,
        metavar="N",
        default=int(os.environ.get("TWO_MINDS_PROXIES") or ("SPACE_ID" in os.environ)),
        help="proxies before this server, whose X-Forwarded-For tells visitors apart (default: $TWO_MINDS_PROXIES, "
        "else 0, and 1 in a Hugging Face Space)",
    )
    asked = parser.parse_args()
    options = {name: value for name, value in vars(asked).items() if name not in OWN and value is not None}
    if paths := options.pop("models", []):
        if not FEWEST <= len(paths) <= MOST:
            parser.error(f"--models takes {FEWEST} to {MOST} files")
        if asked.weights:
            parser.error("--models and --weights do not go together: the page shows the ones or the others")
        try:
            options["opened"] = open_models(paths, asked)
        except UserError as error:
            sys.exit(_complained(told(error)))
    else:
        if given := [f"--{name}" for name in OWN if getattr(asked, name) != parser.get_default(name)]:
            parser.error(f"{', '.join(given)} speaks of models of your own: name them by --models")
        options["data"] = options.get("data") or os.environ.get("TWO_MINDS_DATA") or None
    return options


def _complained(text: str) -> int:
    print(text, file=sys.stderr)
    return 2


def main() -> None:
    """Serve the page first; TensorFlow and the first pair of models load behind it."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = parsed()
    proxies = options.pop("proxies")
    log.set_up()

    temporary = Path(tempfile.gettempdir())
    sweep(temporary)
    folder = Folder(temporary)
    try:
        signal.signal(signal.SIGTERM, _end)
        folder.use()
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
        from explain import checkpoints
        from page.hub import fetch
        from page.layout import build
        from page.server import HOST, PORT, Server
        from page.service import Service

        try:
            if "opened" not in options:
                fetch(options.get("weights", checkpoints.DEFAULT))
            service = Service(**options)
        except UserError as error:
            sys.exit(_complained(told(error)))
        host = os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0" if "SPACE_ID" in os.environ else HOST)
        port = int(os.environ.get("GRADIO_SERVER_PORT", PORT))
        server = Server(build(service), service.texts, folder, host, port, proxies)
        server.start()
        logging.info("Two Minds is at %s", server.url)
        # Only now: importing TensorFlow earlier would delay the page by many seconds.
        loading = threading.Thread(target=service.run, daemon=True)
        loading.start()
        try:
            server.wait()
        finally:  # TensorFlow does not like to be left in the middle of something
            server.close()  # first, as those who read uploads are needed until all is answered
            service.stop()
            loading.join(3)
    except KeyboardInterrupt:
        pass
    finally:
        folder.close()


def _end(*_: object) -> None:
    """Leave `main` as Ctrl-C does, so that answers and the folder come to their end; but once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
    logging.shutdown()
    os._exit(0)  # what is left is memory, and TensorFlow takes seconds to give it back
