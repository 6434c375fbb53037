"""What it costs that uploads are read in a process of their own: python benchmarks/decoding.py [PICTURE ...]

Without pictures: drawn JPEGs of 720 x 540 and 4032 x 3024. Of each the least and the median milliseconds of reading in
this process and apart, in turns, and the difference of the least.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explain.pictures import read
from page.decoding import Decoders

TIMES = 30


def drawn(folder: Path) -> list[Path]:
    """Two JPEGs, as detailed as photos are."""
    paths = []
    for width, height in ((720, 540), (4032, 3024)):
        coarse = np.random.default_rng(0).integers(0, 256, (height // 12, width // 12, 3), np.uint8)
        values = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        paths.append(folder / f"{width} x {height}.jpg")
        Image.fromarray(values).save(paths[-1], quality=90)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", nargs="*", type=Path)
    with tempfile.TemporaryDirectory() as folder:
        paths = parser.parse_args().pictures or drawn(Path(folder))
        decoders = Decoders()
        began = time.perf_counter()
        decoders.start()
        decoders.read(str(paths[0]))
        print(f"ready after {time.perf_counter() - began:.2f} s")
        ways = {"here": read, "apart": decoders.read}
        for path in paths:
            spent = {name: [] for name in ways}
            for _ in range(TIMES):
                for name, reading in ways.items():
                    began = time.perf_counter()
                    reading(str(path))
                    spent[name].append(1000 * (time.perf_counter() - began))
            told = ", ".join(f"{name} {min(ms):.1f} (median {statistics.median(ms):.1f})" for name, ms in spent.items())
            print(f"{path.name}: {told} ms; apart costs {min(spent['apart']) - min(spent['here']):.1f} ms")
        decoders.close()


if __name__ == "__main__":
    main()
