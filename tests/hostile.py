"""Hostile and odd pictures, all of them made here, and what reading each of them costs.

    python tests/hostile.py [NAME ...]

reads each in a process of its own and writes a line of JSON: name, bytes, outcome (a picture's shape, or a refusal's
code), seconds of CPU time, and MB of memory over that at the start.
"""

import functools
import io
import itertools
import json
import os
import resource
import struct
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PIL import Image

from explain.pictures import PictureError, read

MEGA = 2**20
Made = Callable[[], bytes]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@functools.cache
def noise(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values)


def cuts(name: str, data: bytes, number: int) -> Iterator[tuple[str, Made]]:
    """A file cut short at several places, and with a run of it replaced."""
    for k in range(number):
        at = len(data) * (k + 1) // (number + 1)
        yield f"{name}, cut at {at}", functools.partial(bytes.__getitem__, data, slice(0, at))
        broken = data[:at] + bytes(b ^ 0xFF for b in data[at : at + 8]) + data[at + 8 :]
        yield f"{name}, eight bytes turned over at {at}", functools.partial(bytes, broken)


# --- JPEG -------------------------------------------------------------------------------------------------------------


@functools.cache
def jpeg(**options: object) -> bytes:
    return encoded(noise(), "JPEG", **options)


def scan_of(data: bytes) -> int:
    """Where the first scan's own data begin."""
    start = data.index(b"\xff\xda")
    return start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")


def segment(marker: int, data: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def in_front(data: bytes) -> bytes:
    """A JPEG with something before its first segment."""
    return jpeg()[:2] + data + jpeg()[2:]


def in_scan(data: bytes) -> bytes:
    at = scan_of(jpeg())
    return jpeg()[:at] + data + jpeg()[at:]


def frame(width: int, height: int, layers: int = 3, marker: int = 0xC0, depth: int = 8) -> bytes:
    parts = b"".join(bytes((k + 1, 0x11, 0)) for k in range(layers))
    return segment(marker, struct.pack(">BHHB", depth, height, width, layers) + parts)


def progressive(width: int, height: int, scans: int, layers: int = 3) -> bytes:
    """Scans whose every block is skipped, in some bytes: one code of no bits stands for 32,767 empty blocks."""
    codes = segment(0xC4, bytes((0x10, 1, *[0] * 15, 0xE0))) + segment(0xC4, bytes((0x00, 1, *[0] * 15, 0)))
    tables = segment(0xDB, bytes((0, *[1] * 64)))
    one = b"".join(
        segment(0xDA, bytes((1, k % layers + 1, 0, 1 + k % 60, 1 + k % 60, 0))) + b"\x3f\xff\0" * 40
        for k in range(scans)
    )
    return b"\xff\xd8" + tables + codes + frame(width, height, layers, 0xC2) + one + b"\xff\xd9"


def jpegs() -> Iterator[tuple[str, Made]]:
    for n in (1000, 20_000, 40_000, 1_000_000, 15_000_000):
        yield f"scan of {n:,} x ff", lambda n=n: in_scan(b"\xff" * n + b"\0")
        yield f"{n:,} x ff before the first segment", lambda n=n: in_front(b"\xff" * n)
    for n in (100_000, 5_000_000):
        yield f"scan of {n:,} x ff 00", lambda n=n: in_scan(b"\xff\0" * n)
        yield f"{n:,} x ff 00 before the first segment", lambda n=n: in_front(b"\xff\0" * n)
        yield f"{n:,} restarts before the first segment", lambda n=n: in_front(b"\xff\xd0" * n)
        yield f"{n:,} restarts in the scan", lambda n=n: in_scan(b"\xff\xd0" * n)
    for marker in (0xE0, 0xE1, 0xE2, 0xEE, 0xFE, 0xC4, 0xDB, 0xDD, 0xCC, 0xC0, 0xC8, 0xF0, 0x05):
        for n in (10, 3000, 500_000):
            yield f"{n:,} empty segments {marker:02x}", lambda m=marker, n=n: in_front(segment(m) * n)
    large = {
        0xDB: bytes((0, *[1] * 64)) * 1000,
        0xC4: bytes((0, 1, *[0] * 15, 0)) * 3500,
        0xE2: b"ICC_PROFILE\0\1\1" + bytes(65_000),
        0xE0: b"JFIF\0" + bytes(65_000),
        0xEE: b"Adobe" + bytes(65_000),
        0xE1: b"Exif\0\0" + bytes(65_000),
        0xFE: bytes(65_000),
    }
    for marker, data in large.items():
        yield f"300 full segments {marker:02x}", lambda m=marker, data=data: in_front(segment(m, data) * 300)
    yield "1,000,000 empty profile segments", lambda: in_front(segment(0xE2, b"ICC_PROFILE\0\1\1") * 1_000_000)
    yield "a thousand scans", lambda: jpeg()[:-2] + jpeg()[jpeg().index(b"\xff\xda") : -2] * 1000 + jpeg()[-2:]
    for layers, scans in itertools.product((1, 3, 4), (10, 64, 65)):
        for side in (1000, 7200):
            yield (
                f"progressive {side} x {side} of {scans} scans and {layers} layers",
                lambda s=side, n=scans, k=layers: progressive(s, s, n, k),
            )
    for width, height in ((0, 0), (0, 5), (5, 0), (65535, 65535), (65535, 800), (800, 65535), (30_000, 30_000)):
        yield f"frame says {width} x {height}", lambda w=width, h=height: resized(w, h)
    for width, height in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (1, 3000), (3000, 1), (7, 9), (1, 65500), (65500, 1)):
        yield f"{width} x {height}", lambda w=width, h=height: encoded(Image.new("RGB", (w, h), "teal"), "JPEG")
    for depth in (0, 1, 2, 12, 16, 255):
        yield f"{depth} bits", lambda d=depth: jpeg().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11" + bytes((d,)))
    for transform in (0, 1, 2, 9):
        yield (
            f"Adobe's transform {transform}",
            lambda t=transform: in_front(segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((t,)))),
        )
    for length in (0, 1, 2, 3, 65535):
        yield f"segment of length {length}", lambda n=length: in_front(b"\xff\xe5" + struct.pack(">H", n))
    yield "nothing but its beginning", lambda: jpeg()[:2] + b"\xff"
    yield "no frame before the scan", lambda: b"\xff\xd8" + jpeg()[jpeg().index(b"\xff\xda") :]
    yield "frame twice", lambda: in_front(frame(7200, 7200))
    yield from cuts("small", jpeg(), 6)
    yield from cuts("progressive", jpeg(progressive=True), 4)


def resized(width: int, height: int) -> bytes:
    data = bytearray(jpeg())
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


# --- PNG --------------------------------------------------------------------------------------------------------------


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int = 1,
    height: int = 1,
    depth: int = 8,
    colour: int = 0,
    rows: bytes = b"\0\0",
    before: bytes = b"",
    after: bytes = b"",
    interlace: int = 0,
) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", zlib.compress(rows, 9)) + after + chunk(b"IEND")


@functools.cache
def zeros(n: int) -> bytes:
    return zlib.compress(bytes(n), 9)


def pngs() -> Iterator[tuple[str, Made]]:
    for name in (
        b"prVt",
        b"tEXt",
        b"iCCP",
        b"PLTE",
        b"tRNS",
        b"gAMA",
        b"eXIf",
        b"acTL",
        b"fcTL",
        b"fdAT",
        b"IHDR",
        b"IDAT",
    ):
        for n in (10, 20_000, 1_000_000):
            yield f"{n:,} empty chunks {name.decode()}", lambda c=name, n=n: png(before=chunk(c) * n)
    for n in (10, 1_000_000):
        yield f"{n:,} empty chunks after the pixels", lambda n=n: png(after=chunk(b"prVt") * n)
    bomb = zeros(50 * MEGA)
    yield "text that unpacks to 50 MB", lambda: png(before=chunk(b"zTXt", b"Comment\0\0" + bomb))
    yield "international text that unpacks to 50 MB", lambda: png(before=chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb))
    yield "profile that unpacks to 50 MB", lambda: png(before=chunk(b"iCCP", b"p\0\0" + bomb))
    mega = zeros(MEGA - 1)
    for n in (10, 1000, 15_000):
        yield f"{n:,} profiles of 1 MB", lambda n=n: png(before=chunk(b"iCCP", b"a\0\0" + mega) * n)
        yield f"{n:,} texts of 1 MB", lambda n=n: png(before=chunk(b"zTXt", b"a\0\0" + mega) * n)
    yield "pixels of 4 GB behind 64 x 64", lambda: png(64, 64, rows=bytes(100 * MEGA))
    for depth, colour in itertools.product((0, 1, 2, 3, 4, 8, 16, 32), (0, 1, 2, 3, 4, 6, 7)):
        yield f"{depth} bits of colour type {colour}", lambda d=depth, c=colour: png(9, 7, d, c, bytes(1000))
    for colour, depth in ((0, 16), (2, 8), (2, 16), (3, 8), (4, 8), (6, 8), (0, 1)):
        bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
        palette = chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
        for width, height in ((7200, 7200), (65535, 790), (790, 65535)):
            yield (
                f"{width} x {height} of colour type {colour}, {depth} bits",
                lambda w=width, h=height, d=depth, c=colour, b=bits, p=palette: png(
                    w, h, d, c, bytes((w * b + 7) // 8 * h + h), p
                ),
            )
    yield (
        "7200 x 7200 of 16 bits, one value clear",
        lambda: png(7200, 7200, 16, 0, bytes(14_401 * 7200), chunk(b"tRNS", b"\0\0")),
    )
    yield "7200 x 7200 interlaced", lambda: png(7200, 7200, 8, 2, bytes(3 * 7200 * 7200 + 16_000), interlace=1)
    for width, height in ((50 * MEGA, 1), (1, 50 * MEGA), (0, 1), (1, 0), (2**31, 1), (30_000, 30_000), (65_536, 1)):
        yield f"{width} x {height}", lambda w=width, h=height: png(w, h, 1, 0, bytes(1000))
    for filtered in (1, 2, 3, 4, 5, 255):
        yield f"rows of filter {filtered}", lambda f=filtered: png(4, 2, 8, 2, (bytes((f,)) + bytes(12)) * 2)
    for frames in (0, 1, 2, 10_000, 2**31):
        yield f"animation of {frames} frames", lambda n=frames: png(before=chunk(b"acTL", struct.pack(">II", n, 0)))
    yield (
        "pixels in a million chunks",
        lambda: png(1000, 1000, 8, 0, b"\0", after=b"".join(chunk(b"IDAT", b"\0") for _ in range(1_000_000))),
    )
    yield from cuts("small", encoded(noise(), "PNG"), 5)


# --- GIF --------------------------------------------------------------------------------------------------------------

PIXEL = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"


def gif(more: bytes = b"", frames: bytes = PIXEL, width: int = 4, height: int = 4) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff" + more + frames + b";"


def gifs() -> Iterator[tuple[str, Made]]:
    for n in (100, 100_000, 4_000_000):
        yield f"{n:,} comments", lambda n=n: gif(b"!\xfe\1a\0" * n)
        yield f"{n:,} comments after the frame", lambda n=n: gif(b"", PIXEL + b"!\xfe\1a\0" * n)
        yield f"{n:,} unknown extensions", lambda n=n: gif(b"!\x77\1a\0" * n)
        yield f"{n:,} application extensions", lambda n=n: gif(b"!\xff\x0bNETSCAPE2.0\0"[:15] * min(n, 1_000_000))
        yield f"{n:,} controls", lambda n=n: gif(b"!\xf9\4\1\0\0\0\0" * min(n, 2_000_000))
        yield f"{n:,} bytes of nothing", lambda n=n: gif(bytes(n))
        yield (
            f"{n:,} blocks of one byte",
            lambda n=n: gif(b"", b",\0\0\0\0\1\0\1\0\0\2" + b"\1\0"[:1] * 0 + b"\1\x44" * n + b"\0"),
        )
    for n in (8192, 80_000):
        yield f"one comment of {n * 255:,} bytes", lambda n=n: gif(b"!\xfe" + (b"\xff" + b"a" * 255) * n + b"\0")
    for size in range(13):
        yield (
            f"codes of {size} bits",
            lambda s=size: gif(b"", b",\0\0\0\0\4\0\4\0\0" + bytes((s,)) + b"\x08" + bytes(range(8)) + b"\0"),
        )
    for n in (2, 10_000, 1_000_000):
        yield f"{n:,} frames", lambda n=n: gif(b"", PIXEL * n)
    for width, height in ((0, 0), (65535, 65535), (65535, 790), (7000, 7000), (1, 65535)):
        yield f"screen of {width} x {height}", lambda w=width, h=height: gif(width=w, height=h)
        yield (
            f"frame of {width} x {height}",
            lambda w=width, h=height: gif(b"", b",\0\0\0\0" + struct.pack("<HH", w, h) + b"\0\2\2D\1\0"),
        )
    yield "frame beyond the screen", lambda: gif(b"", b",\xff\xff\xff\xff\xff\xff\xff\xff\0\2\2D\1\0")
    yield "no table", lambda: b"GIF89a\4\0\4\0\0\0\0" + PIXEL + b";"
    yield "no frame", lambda: gif(b"", b"")
    yield from cuts("small", encoded(noise(), "GIF"), 5)


# --- TIFF -------------------------------------------------------------------------------------------------------------


def tiff(tags: list[tuple[int, int, int, int]], pixels: bytes, order: str = "<", more: int = 0) -> bytes:
    """A directory of (tag, type, count, value) behind the pixels."""
    at = 8 + len(pixels) + len(pixels) % 2
    entries = b""
    for tag, kind, count, value in tags:
        number = struct.pack(order + "HH", value, 0) if kind == 3 and count == 1 else struct.pack(order + "L", value)
        entries += struct.pack(order + "HHL", tag, kind, count) + number
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "L", at)
    return (
        head
        + pixels.ljust(at - 8, b"\0")
        + struct.pack(order + "H", len(tags))
        + entries
        + struct.pack(order + "L", more)
    )


def grey(width: int, height: int, bits: int, pixels: bytes, order: str = "<", **more: int) -> bytes:
    """One strip of grey; `more`: values of other tags, as t339=2."""
    values = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(pixels)}
    values |= {int(name[1:]): value for name, value in more.items()}
    return tiff([(tag, 4, 1, value) for tag, value in sorted(values.items())], pixels, order)


def tiffs() -> Iterator[tuple[str, Made]]:
    plain = [(256, 16), (257, 16), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 16), (279, 256)]
    for tag, _ in plain:
        for other in (0, 1, 40_000):
            yield (
                f"tag {tag} twice, first {other}",
                lambda t=tag, o=other: tiff(
                    [(each, 4, 1, v) for each, v in sorted([*plain, (t, o)], key=lambda pair: pair[0])], bytes(256)
                ),
            )
    squeezed = zeros(100 * MEGA)
    for first, then in ((40_000, 64), (64, 40_000), (64, 64)):
        yield (
            f"tiles of {first} and {then}",
            lambda a=first, b=then: tiff(
                [(256, 4, 1, 64), (257, 4, 1, 64), (258, 4, 1, 8), (259, 4, 1, 8), (262, 4, 1, 1), (277, 4, 1, 1)]
                + [(322, 4, 1, a), (322, 4, 1, b), (323, 4, 1, a), (323, 4, 1, b), (324, 4, 1, 8)]
                + [(325, 4, 1, len(squeezed))],
                squeezed,
            ),
        )
    for kind in range(20):
        yield (
            f"width of type {kind}",
            lambda k=kind: tiff([(t, k if t == 256 else 4, 1, v) for t, v in plain], bytes(256)),
        )
    for code in (
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        32771,
        32773,
        32809,
        32946,
        34676,
        34677,
        34712,
        34925,
        50000,
        50001,
        50002,
    ):
        yield f"compression {code} of noise", lambda c=code: grey(64, 64, 8, noise().tobytes()[:4096], t259=c)
    for photometric, bits in itertools.product((0, 1, 2, 3, 5, 6, 8, 32803), (1, 2, 4, 8, 12, 16, 32, 64)):
        yield (
            f"photometric {photometric} of {bits} bits",
            lambda p=photometric, b=bits: grey(16, 16, b, noise().tobytes()[:2048], t262=p),
        )
    for name, more in {
        "signed bytes": {"t339": 2},
        "planes": {"t284": 2},
        "60,000 samples": {"t277": 60_000},
        "a strip beyond the file": {"t273": 10**9},
        "a strip of all memory": {"t279": 2**32 - 1},
        "rows of 2**32 in a strip": {"t278": 2**32 - 1},
        "no rows in a strip": {"t278": 0},
        "turned": {"t274": 6},
        "turned wrongly": {"t274": 99},
    }.items():
        yield name, lambda more=more: grey(16, 16, 8, bytes(range(256)), **more)
    for bits in (8, 16):
        three = {"t277": 3, "t262": 2}
        yield f"colours of {bits} bits", lambda b=bits, m=three: grey(16, 16, b, noise().tobytes()[:2048], **m)
        yield f"planes of {bits} bits", lambda b=bits, m=three: grey(16, 16, b, noise().tobytes()[:2048], **m, t284=2)
    for code, bits, samples in itertools.product((8, 32773), (8, 16, 32), (1, 3, 4)):
        yield (
            f"7200 x 7200 of {samples} x {bits} bits in one strip, compression {code}",
            lambda c=code, b=bits, s=samples: one_strip(7200, 7200, b, s, c),
        )
    for width, height in ((65535, 790), (790, 65535), (65536, 1), (1, 65536), (1, 50 * MEGA), (50 * MEGA, 1)):
        yield f"{width} x {height} of one bit", lambda w=width, h=height: grey(w, h, 1, bytes(-(-w // 8) * h))
        yield f"{width} x {height} by fax", lambda w=width, h=height: grey(w, h, 1, b"\x80" * 100_000, t259=4)
    for n in (0, 1, 5000, 65535):
        yield f"{n} tags", lambda n=n: tiff([(40_000 + k % 20_000, 3, 1, 0) for k in range(n)], bytes(256))
    yield (
        "tags that share their bytes",
        lambda: tiff([*[(t, 4, 1, v) for t, v in plain], *[(40_000 + k, 7, MEGA, 8) for k in range(150)]], bytes(MEGA)),
    )
    for n in (100_000, 190_000, 300_000):
        yield f"{n:,} strips", lambda n=n: strips(n)
    yield "a directory that follows itself", lambda: tiff([(t, 4, 1, v) for t, v in plain], bytes(256), more=264)
    for order in "<>":
        yield f"twelve bits {order}", lambda o=order: grey(16, 8, 12, bytes(192), o)
        yield f"sixteen bits, white is zero {order}", lambda o=order: grey(16, 8, 16, bytes(256), o, t262=0)
    yield from cuts("small", encoded(noise(), "TIFF"), 4)
    yield from cuts("packed", encoded(noise(), "TIFF", compression="tiff_lzw"), 4)
    yield from cuts("of JPEG", encoded(noise(), "TIFF", compression="jpeg"), 4)


def one_strip(width: int, height: int, bits: int, samples: int, code: int) -> bytes:
    size = width * height * bits // 8 * samples
    packed = zeros(size) if code == 8 else b"\x81\0" * (size // 128)
    photometric = {1: 1, 3: 2, 4: 2}[samples]
    return grey(width, height, bits, packed, t259=code, t277=samples, t262=photometric, t338=2 if samples == 4 else 0)


def strips(n: int) -> bytes:
    """A row a strip, all of them the same."""
    table = struct.pack("<L", 8) * n
    sizes = struct.pack("<L", 16) * n
    pixels = bytes(16) + table + sizes
    tags = [(256, 4, 1, 16), (257, 4, 1, n), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1), (273, 4, n, 24)]
    tags += [(277, 4, 1, 1), (278, 4, 1, 1), (279, 4, n, 24 + 4 * n)]
    return tiff(tags, pixels)


# --- BMP --------------------------------------------------------------------------------------------------------------


def bmp(width: int, height: int, bits: int = 8, code: int = 0, pixels: bytes = b"", header: int = 40) -> bytes:
    colours = 4 * 256 if bits <= 8 else 0
    head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + header + colours)
    body = struct.pack(
        "<IiiHHIIiiII", header, width, height, 1, bits, code, len(pixels), 0, 0, 256 if colours else 0, 0
    )
    return head + body.ljust(header, b"\0")[:header] + bytes(colours) + pixels


def bmps() -> Iterator[tuple[str, Made]]:
    for code, bits in ((1, 8), (2, 4)):
        for name, data in {
            "delta of 10 rows": b"\0\2\0\x0a",
            "delta of 255 rows": b"\0\2\0\xff",
            "end of line": b"\1\0\0\0",
            "runs": b"\1\7" * 1_000_000,
            "nothing": b"",
        }.items():
            for width, height in ((16, 16), (5_000_000, 1), (50_000_000, 1)):
                yield (
                    f"run-length {code}, {name}, {width} x {height}",
                    lambda w=width, h=height, b=bits, c=code, d=data: bmp(w, h, b, c, d),
                )
    for bits in (0, 1, 2, 4, 8, 15, 16, 24, 32, 64):
        yield f"{bits} bits", lambda b=bits: bmp(8, 8, b, 0, bytes(1024))
    for code in range(3, 16):
        yield f"compression {code}", lambda c=code: bmp(8, 8, 32, c, bytes(1024))
    for header in (12, 16, 40, 52, 56, 64, 108, 124):
        yield f"header of {header}", lambda h=header: bmp(8, 8, 24, 0, bytes(1024), h)
    for width, height in (
        (0, 0),
        (-8, 8),
        (8, -8),
        (2**31 - 1, 1),
        (1, -(2**31)),
        (7200, 7200),
        (65536, 1),
        (1, 65536),
    ):
        yield f"{width} x {height}", lambda w=width, h=height: bmp(w, h, 24, 0, bytes(300_000))


# --- WebP and AVIF ----------------------------------------------------------------------------------------------------


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    return b"VP8X", bytes((flags, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


@functools.cache
def lossless(width: int, height: int, colour: tuple[int, ...] = (200, 10, 30, 90)) -> bytes:
    return encoded(Image.new("RGBA", (width, height), colour), "WEBP", lossless=True, method=0)


def webps() -> Iterator[tuple[str, Made]]:
    for width, height in ((16, 16), (5100, 5100), (7200, 7200), (16_383, 3200), (16_383, 1600), (1, 16_383)):
        yield f"lossless {width} x {height}", lambda w=width, h=height: lossless(w, h)
        yield (
            f"lossy {width} x {height}",
            lambda w=width, h=height: encoded(Image.new("RGB", (w, h), (200, 10, 30)), "WEBP", method=0),
        )
    pixel = lossless(16, 16)[20:]
    for flags in range(0, 64, 6):
        yield f"flags {flags}", lambda f=flags: riff(canvas(16, 16, f), (b"VP8L", pixel))
    for name in (b"ICCP", b"EXIF", b"XMP ", b"ABCD", b"VP8L", b"ALPH"):
        for n in (2, 100_000, 1_000_000):
            yield (
                f"{n:,} chunks {name.decode()}",
                lambda c=name, n=n: riff(canvas(16, 16, 0x3C), *[(c, b"12")] * n, (b"VP8L", pixel)),
            )
    for width, height in ((16_384, 3200), (16_777_216, 1), (16_777_216, 16_777_216), (7200, 7200)):
        yield f"canvas of {width} x {height}", lambda w=width, h=height: riff(canvas(w, h), (b"VP8L", pixel))
    moving = struct.pack("<IH", 0, 0)
    part = bytes(6) + (15).to_bytes(3, "little") * 2 + bytes(4) + b"VP8L" + struct.pack("<I", len(pixel)) + pixel
    for n in (1, 2, 10_000):
        for side in (16, 5000):
            yield (
                f"{n:,} frames on {side} x {side}",
                lambda n=n, s=side: riff(canvas(s, s, 2), (b"ANIM", moving), *[(b"ANMF", part)] * n),
            )
    yield from cuts("lossy", encoded(noise(), "WEBP"), 4)
    yield from cuts("lossless", encoded(noise(), "WEBP", lossless=True), 4)


def avifs() -> Iterator[tuple[str, Made]]:
    small = functools.cache(lambda: encoded(noise(), "AVIF", speed=10))
    for n in (100_000, 4_000_000):
        yield f"{n:,} x infe", lambda n=n: small() + b"infe" * n
        yield f"{n:,} boxes", lambda n=n: small()[:32] + b"\0\0\0\x08free" * (n // 2) + small()[32:]
    for width, height in ((0, 0), (1, 1), (16_000, 16_000), (65_536, 65_536), (7200, 7200), (2**31, 2**31)):
        yield f"says {width} x {height}", lambda w=width, h=height: said(small(), w, h)
    for depth in (10, 10_000):
        yield f"{depth:,} boxes in one another", lambda d=depth: small()[:32] + nested(d) + small()[32:]
    yield "4500 x 4500", lambda: encoded(Image.new("RGB", (4500, 4500), "teal"), "AVIF", speed=10)
    yield "4500 x 4500 with alpha", lambda: encoded(Image.new("RGBA", (4500, 4500), (9, 90, 30, 90)), "AVIF", speed=10)
    yield from cuts("small", small(), 8)


def said(data: bytes, width: int, height: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(">II", changed, changed.index(b"ispe") + 8, width, height)
    return bytes(changed)


def nested(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = struct.pack(">I", len(body) + 8) + b"meta" + body
    return body


# --- what is no picture -----------------------------------------------------------------------------------------------


def others() -> Iterator[tuple[str, Made]]:
    yield "nothing", lambda: b""
    yield "one byte", lambda: b"\xff"
    yield "20 MB of text", lambda: b"a" * (20 * MEGA)
    yield "20 MB of nothing", lambda: bytes(20 * MEGA)
    yield "more than 20 MB", lambda: jpeg() + bytes(20 * MEGA)
    yield "20 MB of opening elements", lambda: b"<g>" * (6 * MEGA)
    yield (
        "a drawing that reads a file",
        lambda: (
            b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
        ),
    )
    yield "entities that multiply", lambda: b"<!DOCTYPE l [" + b'<!ENTITY a "&a;&a;">' * 1000 + b"]><svg>&a;</svg>"
    for start in (
        b"%PDF-1.7",
        b"%!PS",
        b"PK\3\4",
        b"\x7fELF",
        b"MZ",
        b"\x1f\x8b",
        b"\0\0\1\0",
        b"\0\0\0\x0cjP  ",
        b"8BPS",
    ):
        yield f"a file that begins with {start!r}", lambda s=start: s + noise().tobytes()
    for brand in (b"heic", b"mif1", b"mp42", b"qt  ", b"avis"):
        yield f"a container of {brand.decode()}", lambda b=brand: b"\0\0\0\x14ftyp" + b + bytes(4) + b + bytes(1000)
    for k in range(12):
        yield f"noise {k}", lambda k=k: noise(seed=k + 1).tobytes()
    for start in (
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"BM",
        b"RIFF\0\0\0\0WEBPVP8 ",
    ):
        for k in range(4):
            yield f"noise {k} that begins with {start!r}", lambda s=start, k=k: s + noise(seed=k + 1).tobytes()


KINDS = {
    "JPEG": jpegs,
    "PNG": pngs,
    "GIF": gifs,
    "TIFF": tiffs,
    "BMP": bmps,
    "WebP": webps,
    "AVIF": avifs,
    "other": others,
}


def corpus() -> dict[str, Made]:
    """All of them, by name."""
    return {f"{kind}: {name}": made for kind, generate in KINDS.items() for name, made in generate()}


def cost(data: bytes) -> dict[str, object]:
    """What reading costs, measured in a process of its own."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak begins anew
        start = resident("VmRSS")
        began = time.process_time()
        try:
            outcome = list(read(data).pixels.shape)
        except PictureError as error:
            outcome = error.code
        except BaseException:
            outcome = traceback.format_exc()
        seconds = time.process_time() - began
        told = {"outcome": outcome, "seconds": round(seconds, 2), "megabytes": round(resident("VmHWM") - start)}
        os.write(sending, json.dumps(told).encode())
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as file:
        told = file.read()
    os.waitpid(child, 0)
    return json.loads(told or '{"outcome": "died"}')


def resident(name: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def main() -> None:
    made = corpus()
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    read(encoded(noise(), "JPEG"))  # what is done but once
    for name in sys.argv[1:] or made:
        data = made[name]()
        print(json.dumps({"name": name, "bytes": len(data), **cost(data)}), flush=True)


if __name__ == "__main__":
    main()
