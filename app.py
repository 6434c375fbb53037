"""Start the page: python app.py [--weights DIR]. Host and port by GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path


def sweep(folder: Path) -> None:
    """Delete what servers left there that were killed: photos must not outlive them."""
    for left in folder.glob("two-minds-*-*") if os.name == "posix" else ():
        try:
            process = int(left.name.split("-")[2])
            if process != os.getpid():  # in a container a new server may get the number of the old one
                os.kill(process, 0)
                continue
        except ProcessLookupError:
            pass
        except (ValueError, OSError):  # none of ours, or another user's
            continue
        shutil.rmtree(left, ignore_errors=True)


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
    options = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)

    sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"two-minds-{os.getpid()}-") as uploads:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes, too
        # A folder of our own, gone with the server. Both are read when Gradio is imported.
        os.environ["GRADIO_TEMP_DIR"] = uploads
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from page.layout import build, launch_options
        from page.service import Service

        service = Service(**options)
        page = build(service)
        _, url, _ = page.launch(prevent_thread_lock=True, **launch_options())
        logging.info("Two Minds is at %s", url)
        # Only now: importing TensorFlow earlier would delay the page by many seconds.
        loading = threading.Thread(target=service.run, daemon=True)
        loading.start()
        try:
            page.block_thread()
        finally:  # TensorFlow does not like to be left in the middle of something
            service.stop()
            loading.join(5)


if __name__ == "__main__":
    main()
