"""The process that reads one stranger's picture after another, within limits; `page.decoding` starts it.

    python -m page.decoder MEMORY_FILE SECONDS PATIENCE MEMORY

A line of standard input is [path of a picture, place], as JSON. A line of standard output answers: {"size": [height,
width], "notes": [...]}, and the pixels stand in the memory file (a descriptor), from byte `place * BYTES` on; or
{"code": ..., "facts": {...}} of a PictureError. The first line is {"limited": whether the system holds to the limit of
memory}. It ends with its input, so with whoever started it.
"""

import json
import math
import mmap
import os
import resource
import signal
import sys
import time

import cv2
import numpy as np
from PIL import AvifImagePlugin

from explain.pictures import KEPT_PIXELS, PictureError, read

BYTES = 3 * KEPT_PIXELS  # of a place in the memory file
PLACES = 2


def limit_memory(most: int) -> bool:
    """Let the process have `most` bytes more than it has now; whether the system holds to it.

    RLIMIT_DATA counts memory of its own that can be written to. RLIMIT_AS would also count address space that threads
    reserve and never use, gigabytes on a machine of many cores; RLIMIT_RSS is not held to by Linux.
    """
    with open("/proc/self/status") as file:
        (used,) = (int(line.split()[1]) * 1024 for line in file if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + most, used + most))
    try:
        mmap.mmap(-1, most + 1, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return True
    return False


def serve(descriptor: int, seconds: int, patience: int, memory: int) -> None:
    """Answer until the input ends.

    Args:
        descriptor: of the memory file.
        seconds: of CPU time for one picture; the system ends the process by SIGXCPU after that.
        patience: seconds for one picture by the clock; SIGALRM after that.
        memory: bytes that reading may take.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever started it gets it, too
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    # Threads need memory; and the pictures' order of magnitude is not theirs
    cv2.setNumThreads(1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 2
    shared = np.frombuffer(mmap.mmap(descriptor, PLACES * BYTES), np.uint8).reshape(PLACES, BYTES)
    print(json.dumps({"limited": limit_memory(memory)}), file=answers, flush=True)
    for line in sys.stdin:
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, -1))
        signal.alarm(patience)
        try:
            path, place = json.loads(line)
            pixels, notes = read(path, shared[place])
            if not np.may_share_memory(pixels, shared):
                shared[place, : pixels.size] = pixels.ravel()
            answer = {"size": pixels.shape[:2], "notes": notes}
        except PictureError as error:
            answer = {"code": error.code, "facts": error.facts}
        except MemoryError:
            answer = {"code": "too-costly", "facts": {}}
        signal.alarm(0)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
