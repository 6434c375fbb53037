"""Hostile and odd pictures (see hostile.py): each gives a picture or a sentence, within 2 s of CPU time and 450 MB.

Lawful pictures of up to 50 megapixels may take twice as long, as other tests slow this one down.
"""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import corpus

from explain import pictures

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")

SECONDS, MEGABYTES = 2.0, 450
QUICK = (
    "JPEG: scan of 40,000 x ff",
    "JPEG: scan of 15,000,000 x ff",
    "JPEG: 15,000,000 x ff before the first segment",
    "JPEG: 5,000,000 restarts in the scan",
    "JPEG: 500,000 empty segments e0",
    "JPEG: 500,000 empty segments ee",
    "JPEG: 1,000,000 empty profile segments",
    "JPEG: 300 full segments db",
    "JPEG: progressive 7200 x 7200 of 64 scans and 3 layers",
    "JPEG: progressive 7200 x 7200 of 64 scans and 4 layers",
    "JPEG: 1 x 1",
    "JPEG: frame twice",
    "PNG: 1,000,000 empty chunks prVt",
    "PNG: 1,000,000 empty chunks after the pixels",
    "PNG: 15,000 profiles of 1 MB",
    "PNG: profile that unpacks to 50 MB",
    "PNG: 52428800 x 1",
    "PNG: 1 x 52428800",
    "PNG: 7200 x 7200 of 16 bits, one value clear",
    "GIF: 4,000,000 comments",
    "GIF: one comment of 20,400,000 bytes",
    "GIF: 4,000,000 blocks of one byte",
    "GIF: 1,000,000 frames",
    "TIFF: tiles of 40000 and 64",
    "TIFF: tiles of 64 and 40000",
    "TIFF: tag 259 twice, first 0",
    "TIFF: 7200 x 7200 of 4 x 16 bits in one strip, compression 8",
    "TIFF: 1 x 52428800 by fax",
    "TIFF: 190,000 strips",
    "TIFF: tags that share their bytes",
    "BMP: run-length 1, delta of 255 rows, 50000000 x 1",
    "BMP: run-length 1, runs, 5000000 x 1",
    "BMP: run-length 2, nothing, 16 x 16",
    "WebP: lossless 7200 x 7200",
    "WebP: 1,000,000 chunks ICCP",
    "WebP: 10,000 frames on 5000 x 5000",
    "AVIF: 4,000,000 x infe",
    "AVIF: says 16000 x 16000",
    "other: 20 MB of opening elements",
    "other: entities that multiply",
)


@functools.cache
def costs(names: tuple[str, ...]) -> dict[str, dict]:
    """What reading each costs, measured in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("hostile.py")), *names]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return {told["name"]: told for told in map(json.loads, done.stdout.splitlines())}


def wrong(told: dict) -> list[str]:
    """What is not as it should be."""
    outcome = told["outcome"]
    picture = isinstance(outcome, list) and len(outcome) == 3 and outcome[0] * outcome[1] <= pictures.KEPT_PIXELS
    sentence = outcome in pictures._SENTENCES if isinstance(outcome, str) else False
    faults = [] if picture or sentence else [f"neither picture nor sentence: {outcome}"]
    large = picture and outcome[0] * outcome[1] > 0.9 * pictures.KEPT_PIXELS
    faults += [f"{told['seconds']} s of CPU time"] if told.get("seconds", 0) > SECONDS * (1 + large) else []
    return faults + ([f"{told['megabytes']} MB"] if told.get("megabytes", 0) > MEGABYTES else [])


@pytest.mark.parametrize("name", QUICK)
def test_reading_is_bounded(name):
    assert wrong(costs(QUICK)[name]) == []


def test_the_corpus_is_large_and_the_quick_part_is_of_it():
    names = corpus()
    assert len(names) >= 300
    assert len(set(QUICK)) >= 40
    assert set(QUICK) <= names.keys()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_reading_is_bounded_for_all_of_them():
    told = costs(())
    assert told.keys() == corpus().keys()
    assert {name: faults for name, each in told.items() if (faults := wrong(each))} == {}
    outcomes = [each["outcome"] for each in told.values()]
    assert sum(isinstance(outcome, list) for outcome in outcomes) > 200
    assert {outcome for outcome in outcomes if isinstance(outcome, str)} >= {"damaged", "too-long", "too-many-of-kind"}
