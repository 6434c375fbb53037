"""Start the page: python app.py [--weights DIR]. Host and port by GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."""

import argparse
import logging
import os
import signal
import tempfile
import threading
from pathlib import Path

from page import log
from page.folder import Folder, sweep


def main() -> None:
    """Serve the page first; TensorFlow and the first pair of models load behind it."""
    parser = argparse.ArgumentParser(description="Two Minds: what two models see in one picture.")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of checkpoints (default: weights/)")
    parser.add_argument("--evidence", type=Path, metavar="DIR", help="folder of what was measured (default: evidence/)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        dest="data",
        default=os.environ.get("TWO_MINDS_DATA") or None,
        help="folder of the data set, so that Evidence shows test pictures (default: $TWO_MINDS_DATA, else it doesn't)",
    )
    parser.add_argument(
        "--proxies",
        type=int,
        metavar="N",
        default=int(os.environ.get("TWO_MINDS_PROXIES") or ("SPACE_ID" in os.environ)),
        help="proxies before this server, whose X-Forwarded-For tells visitors apart (default: $TWO_MINDS_PROXIES, "
        "else 0, and 1 in a Hugging Face Space)",
    )
    options = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    proxies = options.pop("proxies")
    log.set_up()

    temporary = Path(tempfile.gettempdir())
    sweep(temporary)
    folder = Folder(temporary)
    try:
        signal.signal(signal.SIGTERM, _end)
        folder.use()
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from explain import checkpoints
        from page.hub import fetch
        from page.layout import build
        from page.server import HOST, PORT, Server
        from page.service import Service

        fetch(options.get("weights", checkpoints.DEFAULT))
        service = Service(**options)
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
