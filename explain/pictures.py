"""Pictures from strangers to uint8 sRGB arrays, and the one fit of a picture to a model's input.

Files are recognised by content, never by name. Size and dimensions are checked before anything is decoded, and a
decoder gets only the parts of a file that it needs, each of them once and few of them: metadata and repetition are the
usual ways to make a small file cost gigabytes or hours.
"""

from __future__ import annotations

import functools
import io
import math
import os
import re
import stat
import struct
import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from explain.errors import UserError

# Binary mega, as in "20 MB" of an upload field: a phone's 4032 x 3024 and the half of its 8160 x 6120 stay whole.
MEGA = 2**20
MAX_BYTES = 20 * MEGA
MAX_PIXELS = 50 * MEGA
KEPT_PIXELS = 12 * MEGA
KEPT_SIDE = 16384  # no browser draws a longer picture
MAX_SIDE = 65535  # what JPEG, GIF and BMP of cameras and scanners can say at most; decoders need memory for each row
MEMORY = 400 * MEGA  # bytes that the pixels of one picture may take while it is decoded; its file comes on top

_MAX_PROFILE = 4 * MEGA
_MAX_SCANS = 64  # of a progressive JPEG: about ten as a rule, but each costs a walk over all pixels
_MAX_SEGMENTS = 4096  # of a JPEG: 320 make 20 MB
_MAX_TABLES = MEGA // 4  # bytes of a JPEG's tables and frame headers: some 10 kB as a rule
_MAX_PROFILE_SEGMENTS = 255  # of a JPEG, whose numbers are of one byte
_MAX_CHUNKS = 2**15  # of a PNG: the usual encoders make 2,560 of 20 MB
_MAX_BLOCKS = 2**18  # of a GIF: 82,000 make 20 MB
_MAX_TIFF_TAGS = 4096  # some thirty as a rule
_MAX_TIFF_VALUES = 200_000  # numbers in one TIFF tag: 50 megapixels in tiles of 16 x 16
_STRIP = MEGA  # pixels turned into sRGB at a time
AT_ONCE = 2  # pictures being decoded, each of up to MEMORY and its file
_DECODING = threading.BoundedSemaphore(AT_ONCE)

ACCEPTED = "JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF"
# Of files in a folder that are taken for pictures; what a file is, its content tells
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif"}
SUFFIXES |= {".tif", ".tiff", ".bmp", ".avif", ".heic", ".heif"}

_LIMITS = {"accepted": ACCEPTED, "most_megabytes": MAX_BYTES // MEGA, "most_megapixels": MAX_PIXELS // MEGA}
_LIMITS |= {"most_side": MAX_SIDE}
_SENTENCES = {
    "empty": "This file is empty; please choose a {accepted} picture.",
    "unreadable": "This file cannot be opened; please choose a {accepted} picture.",
    "too-large": "This file is larger than {most_megabytes} MB; please choose a smaller one.",
    "too-many-pixels": "This picture has {megapixels} megapixels; at most {most_megapixels} are accepted, so please "
    "make it smaller first.",
    "too-many-of-kind": "This {kind} picture has {megapixels} megapixels; at most {most_of_kind} are accepted of its "
    "kind, so please make it smaller or save it as an ordinary JPEG.",
    "too-long": "This picture is {side:,} pixels long; at most {most_side:,} are accepted, so please make it smaller "
    "first.",
    "too-costly": "Reading this picture takes too much time or memory; please save it anew as JPEG or PNG, or make it "
    "smaller.",
    "unread": "This picture could not be read; please save it anew as JPEG or PNG.",
    "damaged": "This {kind} picture is damaged, cut short or of an unusual kind; please save it anew as JPEG or PNG.",
    "vector": "This is a drawing or a document, not a photo; please choose a {accepted} picture.",
    "heic": "HEIC photos cannot be read here; please save yours as {accepted}.",
    "text": "This file holds text, not a picture; please choose a {accepted} picture.",
    "unknown": "This is not a kind of picture that can be read here; please choose {accepted}.",
}


class PictureError(UserError):
    """A file that gives no picture. `str(error)` is one sentence for a person, without any path or file name.

    Args:
        code: "empty", "unreadable", "too-large", "too-many-pixels", "too-many-of-kind" (more than there is memory for
            in its format), "too-long", "too-costly" (memory or time ran out), "unread" (whoever read it died),
            "damaged", "vector", "heic", "text" or "unknown".
        **facts: kind ("JPEG", for example) of a damaged picture, megapixels of one that has too many, with
            `most_of_kind` where that is less than `most_megapixels`, `side` (pixels) of one that is too long.
            `accepted` (the kinds), `most_megabytes`, `most_megapixels` and `most_side` are facts of every one.

    Example:
        >>> try:
        ...     read(b"")
        ... except PictureError as error:
        ...     print(error.code, error.facts["most_megabytes"])
        empty 20
    """

    subject = "picture"

    def __init__(self, code: str, **facts: object) -> None:
        facts = _LIMITS | facts
        super().__init__(code, _SENTENCES[code].format(**facts), **facts)


class Picture(NamedTuple):
    """A picture as everything behind the reader knows it.

    `pixels`: uint8, height x width x 3, sRGB, upright, at most 12 megapixels and 16,384 pixels a side.
    `notes`: stable codes of what a person should know: "first-frame" (the file holds several), "shrunk" (it had more
    pixels), "stretched" (floats or 32-bit integers of no usual range, drawn from least to greatest value).
    """

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def read(source: str | os.PathLike | bytes | BinaryIO, out: np.ndarray | None = None) -> Picture:
    """Reads a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF picture from a path, bytes or a binary file object.

    Orientation (EXIF, or AVIF's own) is applied, CMYK and colour profiles become sRGB, 16-bit values are scaled, what
    is transparent lies over white. Of several frames the first is taken. Raises PictureError for anything else, and
    for more than 20 MB, 50 megapixels or 65,535 pixels a side, which is found before decoding; for fewer megapixels
    where a format takes more than `MEMORY` for them (WebP 23, AVIF 20 or 25).
    `out` (uint8, flat) is memory that the pixels may be put in, where nothing has to be done with them after that.
    """
    data = _bytes(source)
    kind = _kind(data)
    try:
        with _DECODING:
            return _decode(kind, data, out)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("too-costly") from None
    except Exception:  # decoders raise nearly anything on a broken file
        raise PictureError("damaged", kind=kind) from None


def resize(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`array` (uint8 or float32, h x w or h x w x channels) at `size` (height, width), squashed if need be.

    Axes that shrink are averaged over area, then axes that grow are interpolated bilinearly (half-pixel centres, edges
    repeated); an axis that stays is untouched. A new array, also when nothing changes.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"size must be at least 1 x 1, not {height} x {width}")
    small = (min(height, array.shape[0]), min(width, array.shape[1]))
    result = np.ascontiguousarray(array)
    if small != array.shape[:2]:
        result = cv2.resize(result, small[::-1], interpolation=cv2.INTER_AREA)
    if small != (height, width):
        result = cv2.resize(result, (width, height), interpolation=cv2.INTER_LINEAR)
    result = result.reshape(height, width, *array.shape[2:])  # cv2 drops an axis of one channel
    return result.copy() if np.shares_memory(result, array) else result


def fit(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The picture squashed to a model's input: uint8 H x W x 3 to uint8 height x width x 3, `size` = (height, width).

    No crop and no padding, so each pixel of a map belongs to one place of the picture. Training, evaluation and page
    all use this one function; see `resize` for how. Raises TypeError for another dtype, ValueError for another shape.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"a picture is uint8, not {pixels.dtype}")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"a picture is H x W x 3, not {' x '.join(map(str, pixels.shape))}")
    return resize(pixels, size)


# --- what came in -----------------------------------------------------------------------------------------------------


def _bytes(source: str | os.PathLike | bytes | BinaryIO) -> bytes:
    try:
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
        elif isinstance(source, (str, os.PathLike)):
            # a pipe or device would block or never end
            if not stat.S_ISREG(os.stat(source).st_mode):
                raise PictureError("unreadable")
            with open(source, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        else:
            data = b""
            while len(data) <= MAX_BYTES and (chunk := source.read(MAX_BYTES + 1 - len(data))):
                data += chunk
    except (OSError, ValueError):  # ValueError: a NUL in a path, a closed file
        raise PictureError("unreadable") from None
    if not data:
        raise PictureError("empty")
    if len(data) > MAX_BYTES:
        raise PictureError("too-large")
    return data


def _kind(data: bytes) -> str:
    """The format by its first bytes; PictureError if it is none of ours."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if data[:2] == b"BM" and data[14:18] in [struct.pack("<I", n) for n in (12, 16, 40, 52, 56, 64, 108, 124)]:
        return "BMP"
    if data[4:8] == b"ftyp":
        end = min(int.from_bytes(data[:4], "big"), 256)
        brands = {data[8:12]} | {data[i : i + 4] for i in range(16, end, 4)}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
            raise PictureError("heic")
    if data.startswith((b"%PDF", b"%!PS")):
        raise PictureError("vector")
    if (text := _text(data)) is not None:
        raise PictureError("vector" if re.search(r"<(svg:)?svg\b", text, re.IGNORECASE) else "text")
    raise PictureError("unknown")


def _text(data: bytes) -> str | None:
    """The first characters, if they are text."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = io.TextIOWrapper(io.BytesIO(data), encoding).read(4096)
    except UnicodeError:
        return None
    return None if re.search(r"[^\t\n\r\f\x20-\x7e\x80-\U0010ffff]", text) else text


# --- from a file to an image ------------------------------------------------------------------------------------------


def _decode(kind: str, data: bytes, out: np.ndarray | None) -> Picture:
    notes = []
    exif, several, needs = b"", False, 0
    image: ImageFile.ImageFile
    # The plugins directly: Image.open checks the size by a process-wide setting, and tries other plugins
    if kind == "JPEG":
        data, exif, scans = _clean_jpeg(data)
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        # all coefficients of two bytes, and a quarter of the pixels as it is decoded at half its size
        needs = 2 * image.layers + 2 if scans > 1 else 0
    elif kind == "PNG":
        data, exif, several = _clean_png(data)
        image = PngImagePlugin.PngImageFile(io.BytesIO(data))
    elif kind == "WebP":
        needs = 17  # two canvases, what is handed on, and the picture; opening one already allocates the canvases
        _check_pixels(*_webp_size(data), kind, needs)
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    elif kind == "GIF":
        data, several = _clean_gif(data)
        image = GifImagePlugin.GifImageFile(io.BytesIO(data))
    elif kind == "TIFF":
        data, several, chunk = _clean_tiff(data)
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
        needs = _tiff_needs(image, chunk)
    elif kind == "BMP":
        _check_bmp(data)
        image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    else:
        image = AvifImagePlugin.AvifImageFile(io.BytesIO(_clean_avif(data)))
        # planes of up to two bytes a sample, RGB or RGBA, the same handed on, and the picture
        needs = 20 if image.mode == "RGBA" else 16
    del data
    with image:
        full = _check_pixels(*image.size, kind, max(needs, _pixel_bytes(image) + 3))
        if several or getattr(image, "is_animated", False):
            notes.append("first-frame")
        if kind == "JPEG":
            # decoded at a half or a quarter, where that leaves more than half of the pixels that are kept
            width, height = _kept_size(*image.size)
            image.draft(None, (-(-width * 3 // 4), -(-height * 3 // 4)))
        image.load()
        # a TIFF is already turned
        orientation = _orientation(exif or image.info.get("exif", b""))
        pixels, stretched = _srgb(image, out)
    if stretched:
        notes.append("stretched")
    width, height = _kept_size(pixels.shape[1], pixels.shape[0])
    if width * height < full:
        notes.append("shrunk")
    if (height, width) != pixels.shape[:2]:
        pixels = fit(pixels, (height, width))
    return Picture(_UPRIGHT[orientation](pixels), tuple(notes))


def _check_pixels(width: int, height: int, kind: str = "", needs: int = 0) -> int:
    """How many pixels there are, if they are not too many for one of `kind` that `needs` so many bytes for each."""
    pixels, most = width * height, MEMORY // max(needs, 1)
    if pixels > MAX_PIXELS:
        raise PictureError("too-many-pixels", megapixels=math.ceil(pixels / 1e6))
    if pixels > most:
        megapixels = math.ceil(pixels / 1e6)
        raise PictureError("too-many-of-kind", kind=kind, megapixels=megapixels, most_of_kind=most // MEGA)
    if max(width, height) > MAX_SIDE:
        raise PictureError("too-long", side=max(width, height))
    return pixels


def _pixel_bytes(image: Image.Image) -> int:
    """Bytes that Pillow keeps a pixel in."""
    return 2 if image.mode.startswith("I;16") else 1 if image.mode in ("1", "L", "P") else 4


def _kept_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1, math.sqrt(KEPT_PIXELS / (width * height)), KEPT_SIDE / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _clean_jpeg(data: bytes) -> tuple[bytes, bytes, int]:
    """The segments that a decoder needs, the first EXIF block, and the number of scans.

    Pillow parses all EXIF segments joined while opening, where each of many tags may claim the same megabytes.
    """
    kept, exif, scans, tables, position = [data[:2]], b"", 0, 0, 2
    left = {"JFIF": 1, "Adobe": 1, "profile": _MAX_PROFILE_SEGMENTS}
    for _ in range(_MAX_SEGMENTS):
        match = _JPEG_MARKER.search(data, position)
        if match is None:
            break
        position, marker = match.start(), data[match.start() + 1]
        if marker == 0xD9:  # end; what follows (a video, a second picture) is not ours
            kept.append(b"\xff\xd9")
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:
            scans += 1
            if scans > _MAX_SCANS:
                break
            following = _JPEG_SCAN_END.search(data, end)
            end = following.start() if following else len(data)
        segment, position = data[position:end], end
        name = ""
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            exif = exif or segment[10:]
        elif marker == 0xE0 and segment[4:9] == b"JFIF\0":
            name = "JFIF"
        elif marker == 0xE2 and segment[4:16] == b"ICC_PROFILE\0" and len(segment) > 18:
            name = "profile"
        elif marker == 0xEE and segment[4:9] == b"Adobe":
            name = "Adobe"
        elif marker == 0xDA:
            kept.append(_JPEG_FILL.sub(b"\xff", segment))
        elif marker < 0xE0:
            tables += len(segment)
            if tables > _MAX_TABLES:
                raise PictureError("damaged", kind="JPEG")
            kept.append(segment)
        if left.get(name, 0):
            left[name] -= 1
            kept.append(segment)
    else:
        raise PictureError("damaged", kind="JPEG")
    if scans > _MAX_SCANS:
        raise PictureError("damaged", kind="JPEG")
    return b"".join(kept), exif, scans


_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff]")
_JPEG_FILL = re.compile(rb"\xff\xff+")
_JPEG_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # within a scan 0xff is followed by 0 or a restart


def _clean_png(data: bytes) -> tuple[bytes, bytes, bool]:
    """The chunks that a decoder needs, the EXIF block, and whether there are several frames."""
    kept, seen, exif, position = [data[:8]], set(), b"", 8
    frames, apart = 1, True  # of an animation, and whether the picture itself is none of them
    for _ in range(_MAX_CHUNKS):
        head = data[position : position + 8]
        if len(head) < 8:
            break
        name, start, end = head[4:], position, position + 12 + int.from_bytes(head[:4], "big")
        position = end
        if name == b"IDAT" or (name in _PNG_CHUNKS and name not in seen):
            kept.append(data[start:end])
        elif name == b"eXIf":
            exif = exif or data[start + 8 : end - 4]
        elif name == b"acTL":
            frames = int.from_bytes(data[start + 8 : start + 12], "big")
        elif name == b"fcTL" and b"IDAT" not in seen:
            apart = False
        seen.add(name)
        if name == b"IEND":
            break
    else:
        raise PictureError("damaged", kind="PNG")
    return b"".join(kept), exif, b"acTL" in seen and frames + apart > 1


_PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"IEND"}  # each of them once


def _clean_gif(data: bytes) -> tuple[bytes, bool]:
    """The first frame with its transparency, and whether there are more."""

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    left = _MAX_BLOCKS

    def end_of_blocks(position: int) -> int:
        nonlocal left
        while position < len(data) and data[position]:
            position += data[position] + 1
            left -= 1
            if not left:
                raise PictureError("damaged", kind="GIF")
        return position + 1

    position = 13 + table(data[10])
    kept, control, frame = [data[:position]], b"", b""
    while (match := _GIF_BLOCK.search(data, position)) is not None and match[0] != b";":
        start = match.start()
        if match[0] == b"!":
            position = end_of_blocks(start + 2)
            if data[start + 1 : start + 3] == b"\xf9\4":
                control = data[start : start + 7] + b"\0"
        elif frame:
            return b"".join(kept), True
        else:
            position = end_of_blocks(start + 11 + table(data[start + 9]))
            frame = data[start:position]
            kept += [control, frame, b";"]
        left -= 1
        if left < 1:
            raise PictureError("damaged", kind="GIF")
    return b"".join(kept), False


_GIF_BLOCK = re.compile(rb"[!,;]")  # what stands between is passed over, as browsers do


def _check_bmp(data: bytes) -> None:
    """Refuses run-length codes, for which Pillow allocates without limit, and of 4 bits in wrong colours."""
    header, compression = (int.from_bytes(data[at : at + 4], "little") for at in (14, 30))
    if header >= 40 and compression in (1, 2):
        raise PictureError("damaged", kind="BMP")


def _clean_avif(data: bytes) -> bytes:
    """Without EXIF, which Pillow parses while opening; AVIF's orientation lies in properties of its own."""
    return re.sub(rb"(infe(?:.{8}|.{10}))Exif", rb"\1skip", data, flags=re.DOTALL)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from the header (RFC 9649)."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


class _Entry(NamedTuple):
    """One tag of a TIFF directory."""

    tag: int
    length: int  # how many values
    size: int  # of all its values, in bytes
    value: int  # of a single SHORT or LONG
    raw: bytes  # the entry as it stands there


class _Directory(NamedTuple):
    """The first directory of a TIFF, and where its parts lie."""

    entries: list[_Entry]
    more: bool  # another directory follows
    start: int
    head: struct.Struct  # of the number of entries
    link: struct.Struct  # of the offset of the next directory


def _directory(tiff: bytes) -> _Directory:
    """Reads the first directory of a TIFF (an EXIF block is one); struct.error or KeyError if there is none."""
    order = {b"II": "<", b"MM": ">"}[tiff[:2]]
    big = struct.unpack_from(order + "H", tiff, 2)[0] == 43
    head, link = struct.Struct(order + ("Q" if big else "H")), struct.Struct(order + ("Q" if big else "L"))
    entry = struct.Struct(order + ("HHQ8s" if big else "HHL4s"))
    (start,) = link.unpack_from(tiff, 8 if big else 4)
    (number,) = head.unpack_from(tiff, start)
    entries = []
    position = start + head.size
    if number > _MAX_TIFF_TAGS:
        raise struct.error
    for _ in range(number):
        tag, kind, count, inline = entry.unpack_from(tiff, position)
        width = _TIFF_WIDTHS.get(kind, 0)
        value = int.from_bytes(inline[:width], "little" if order == "<" else "big") if count == 1 else 0
        entries.append(_Entry(tag, count, count * width, value, tiff[position : position + entry.size]))
        position += entry.size
    return _Directory(entries, any(tiff[position : position + link.size]), start, head, link)


_TIFF_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# What decoding needs: layout, compression, colour, orientation, old and new JPEG tables, colour profile
_TIFF_TAGS = {256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325}
_TIFF_TAGS |= {338, 339, 347, *range(512, 522), 529, 530, 531, 532, 34675}


def _clean_tiff(data: bytes) -> tuple[bytes, bool, int]:
    """The file with only the tags that decoding needs in its only directory; whether there were more directories;
    and the pixels of a tile or strip, which is decoded whole.

    Pillow and libtiff read every tag, where each of many may claim the same megabytes; and of a tag that is there twice
    they do not take the same.
    """
    directory = _directory(data)
    kept = [entry for entry in directory.entries if entry.tag in _TIFF_TAGS]
    values = {entry.tag: entry.value for entry in kept}
    size = values.get(256, 0), values.get(257, 0)
    _check_pixels(*size)
    tile = values.get(322, 0), values.get(323, 0)
    _check_pixels(*tile)
    numbers = max((entry.length for entry in kept if entry.size > entry.length), default=0)
    if numbers > _MAX_TIFF_VALUES or sum(entry.size for entry in kept) > len(data) or len(values) < len(kept):
        raise PictureError("damaged", kind="TIFF")
    rewritten = directory.head.pack(len(kept)) + b"".join(entry.raw for entry in kept) + directory.link.pack(0)
    end = directory.start + len(rewritten)
    chunk = tile[0] * tile[1] or size[0] * min(values.get(278) or size[1], size[1])
    return data[: directory.start] + rewritten + data[end:], directory.more, chunk


def _tiff_needs(image: TiffImagePlugin.TiffImageFile, chunk: int) -> int:
    """Bytes a pixel while a TIFF is decoded, of whose pixels `chunk` are so at once. Refuses what would come out wrong.

    Pillow takes signed bytes for unsigned ones, and uncompressed planes of 16 bits for such of 8.
    """
    tags = image.tag_v2
    bits, samples = max(tags.get(258, (1,))), tags.get(277, 1)
    signed = 2 in tags.get(339, ()) and bits <= 8
    planes = tags.get(284) == 2 and tags.get(259, 1) == 1 and samples > 1
    if signed or (planes and bits > 8):
        raise PictureError("damaged", kind="TIFF")
    at_once = math.ceil(chunk * max(4, samples * bits / 8) / max(1, image.width * image.height))
    return _pixel_bytes(image) + max(at_once, 3)


def _orientation(exif: bytes) -> int:
    """1 to 8 as in EXIF's tag 274; 1 for a block that is missing or broken."""
    try:
        entries = _directory(exif.removeprefix(b"Exif\0\0")).entries
    except (struct.error, KeyError, OverflowError):
        return 1
    return next((entry.value for entry in entries if entry.tag == 274 and entry.value in _UPRIGHT), 1)


_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.transpose(cv2.rotate(pixels, cv2.ROTATE_180)),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


# --- from an image to sRGB --------------------------------------------------------------------------------------------


def _srgb(image: Image.Image, out: np.ndarray | None = None) -> tuple[np.ndarray, bool]:
    """uint8 height x width x 3, in `out` if it is large enough, and whether the values had to be stretched.

    In strips, so that memory stays bounded.
    """
    width, height = image.size
    rows = max(1, _STRIP // width)
    areas = [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]
    scale = _scale(image, areas) if image.mode.startswith(("I", "F")) else None
    profile = _profile(image, image.mode if scale is None else "L")
    size = height * width * 3
    pixels = np.empty(size, np.uint8) if out is None or size > out.size else out[:size]
    pixels = pixels.reshape(height, width, 3)
    for area in areas:
        strip = image.crop(area)
        if scale is not None:
            strip = _eight_bits(strip, scale)
        pixels[area[1] : area[3]] = np.asarray(_strip_to_srgb(strip, profile))
    return pixels, scale is not None and scale.stretched


class _Scale(NamedTuple):
    """What values of more than 8 bits mean: `low` is drawn as 0, `high` as 255."""

    low: float
    high: float
    unsigned: bool = False  # of 32 bits, which Pillow holds as signed ones
    stretched: bool = False


def _scale(image: Image.Image, areas: Sequence[tuple[int, int, int, int]]) -> _Scale:
    """The scale of grey of 16 or 32 bits; integers and floats of 32 bits have no range of their own, so the values in
    these areas decide."""
    tags = getattr(image, "tag_v2", {})
    bits, white_is_zero = tags.get(258, (16,))[0], bool(tags) and tags.get(262, 0) == 0
    unsigned, stretched = False, False
    if image.mode.startswith("I;16"):
        low, high = 0.0, 2.0**bits - 1
    else:
        unsigned = bits == 32 and tags.get(339, (1,))[0] == 1
        low, high = math.inf, -math.inf
        for area in areas:
            values = _values(image.crop(area), unsigned)
            values = values[np.isfinite(values)]
            low, high = float(values.min(initial=low)), float(values.max(initial=high))
        low, high = (0.0, 0.0) if low > high else (low, high)  # none is finite
        usual = [1.0, 255.0, 65535.0] if image.mode == "F" else [255.0, 65535.0]
        fitting = [limit for limit in usual if low >= 0 and high <= limit]
        stretched = not fitting
        low, high = (0.0, fitting[0]) if fitting else (low, high)
    low, high = (high, low) if white_is_zero else (low, high)
    return _Scale(low, high, unsigned, stretched)


def _values(image: Image.Image, unsigned: bool = False) -> np.ndarray:
    values = np.asarray(image)
    return (values.view(np.uint32) if unsigned else values).astype(np.float64)


def _eight_bits(image: Image.Image, scale: _Scale) -> Image.Image:
    """Grey of 16 or 32 bits to 8."""
    values = np.asarray(image)
    short = values.dtype.itemsize == 2
    result = Image.fromarray(_table(scale)[values] if short else _drawn(_values(image, scale.unsigned), scale))
    if isinstance(clear := image.info.get("transparency"), int):  # one value of a 16-bit PNG that means transparent
        result.putalpha(Image.fromarray((values != clear) * np.uint8(255)))
    return result


def _drawn(values: np.ndarray, scale: _Scale) -> np.ndarray:
    shares = (values - scale.low) / ((scale.high - scale.low) or 1)
    shares = np.clip(np.nan_to_num(shares, nan=0, posinf=0, neginf=0), 0, 1)
    return np.rint(255 * shares).astype(np.uint8)


@functools.lru_cache(maxsize=4)
def _table(scale: _Scale) -> np.ndarray:
    """What each value of 16 bits is drawn as: there are fewer of them than pixels."""
    return _drawn(np.arange(2**16), scale)


def _profile(image: Image.Image, mode: str) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """(mode that it takes, transform to sRGB) of the image's ICC profile, once the image is of `mode`.

    None if it has none that can be used, or one that changes no colour by more than 1 (sRGB's own, on most photos:
    the transform costs half a second for a phone's).
    """
    icc = image.info.get("icc_profile")
    if not icc or len(icc) > _MAX_PROFILE:
        return None
    needed = {"CMYK": "CMYK", "LAB": "LAB", "1": "L", "L": "L", "LA": "L"}.get(mode, "RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        taken = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(source.profile.xcolor_space.strip())
        if taken is None or (taken != needed and (taken, needed) != ("RGB", "L")):
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            taken,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if taken == "RGB":
            changed = np.asarray(ImageCms.applyTransform(Image.fromarray(_COLOURS), transform), np.int16) - _COLOURS
            if np.abs(changed).max() <= 1:
                return None
    except Exception:  # a broken profile is no reason to refuse the picture
        return None
    return taken, transform


_COLOURS = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), axis=-1).reshape(18, -1, 3)


def _strip_to_srgb(strip: Image.Image, profile: tuple[str, ImageCms.ImageCmsTransform] | None) -> Image.Image:
    alpha = None
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        alpha = strip.getchannel("A")
    mode, transform = profile or ("RGB", None)
    colour = strip if strip.mode == mode else strip.convert(mode)
    if transform is not None:
        converted = ImageCms.applyTransform(colour, transform)
        assert converted is not None  # as it is in place alone
        colour = converted
    if alpha is None:
        return colour
    white = Image.new("RGB", strip.size, "white")
    white.paste(colour, mask=alpha)
    return white
