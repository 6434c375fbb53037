"""Pictures from strangers to uint8 sRGB arrays, and the one fit of a picture to a model's input.

Files are recognised by content, never by name. Size and dimensions are checked before anything is decoded, and a
decoder gets only the parts of a file that it needs: metadata are the usual way to make a small file cost gigabytes.
"""

from __future__ import annotations

import io
import math
import os
import re
import stat
import struct
import threading
from collections.abc import Callable
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

_MAX_PROFILE = 4 * MEGA
_MAX_SCANS = 64  # of a progressive JPEG: about ten as a rule, but each costs a walk over all pixels
_MAX_TIFF_TAGS = 4096  # some thirty as a rule
_MAX_TIFF_VALUES = 200_000  # numbers in one TIFF tag: 50 megapixels in tiles of 16 x 16
_STRIP = MEGA  # pixels turned into sRGB at a time
_DECODING = threading.BoundedSemaphore(2)  # one of 50 megapixels takes some 400 MB while it is decoded

ACCEPTED = "JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF"

_LIMITS = {"accepted": ACCEPTED, "most_megabytes": MAX_BYTES // MEGA, "most_megapixels": MAX_PIXELS // MEGA}
_SENTENCES = {
    "empty": "This file is empty; please choose a {accepted} picture.",
    "unreadable": "This file cannot be opened; please choose a {accepted} picture.",
    "too-large": "This file is larger than {most_megabytes} MB; please choose a smaller one.",
    "too-many-pixels": "This picture has {megapixels} megapixels; at most {most_megapixels} are accepted, so please "
    "make it smaller first.",
    "damaged": "This {kind} picture is damaged, cut short or of an unusual kind; please save it anew as JPEG or PNG.",
    "vector": "This is a drawing or a document, not a photo; please choose a {accepted} picture.",
    "heic": "HEIC photos cannot be read here; please save yours as {accepted}.",
    "text": "This file holds text, not a picture; please choose a {accepted} picture.",
    "unknown": "This is not a kind of picture that can be read here; please choose {accepted}.",
}


class PictureError(UserError):
    """A file that gives no picture. `str(error)` is one sentence for a person, without any path or file name.

    Args:
        code: "empty", "unreadable", "too-large", "too-many-pixels", "damaged", "vector", "heic", "text" or "unknown".
        **facts: kind ("JPEG", for example) of a damaged picture, megapixels of one that has too many. `accepted` (the
            kinds), `most_megabytes` and `most_megapixels` are facts of every one.

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


def read(source: str | os.PathLike | bytes | BinaryIO) -> Picture:
    """Reads a JPEG, PNG, WebP, GIF, TIFF, BMP or AVIF picture from a path, bytes or a binary file object.

    Orientation (EXIF, or AVIF's own) is applied, CMYK and colour profiles become sRGB, 16-bit values are scaled, what
    is transparent lies over white. Of several frames the first is taken. Raises PictureError for anything else, and
    for more than 20 MB or 50 megapixels, which is found before decoding.
    """
    data = _bytes(source)
    kind = _kind(data)
    try:
        with _DECODING:
            return _decode(kind, data)
    except PictureError:
        raise
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


def _decode(kind: str, data: bytes) -> Picture:
    notes = []
    exif = b""
    image: ImageFile.ImageFile
    # The plugins directly: Image.open checks the size by a process-wide setting, and tries other plugins
    if kind == "JPEG":
        data, exif = _clean_jpeg(data)
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    elif kind == "PNG":
        image = PngImagePlugin.PngImageFile(io.BytesIO(data))
    elif kind == "WebP":
        _check_pixels(*_webp_size(data))  # opening one already allocates its canvas
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    elif kind == "GIF":
        image = GifImagePlugin.GifImageFile(io.BytesIO(data))
    elif kind == "TIFF":
        data, more = _clean_tiff(data)
        if more:
            notes.append("first-frame")
        image = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    elif kind == "BMP":
        image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    else:
        image = AvifImagePlugin.AvifImageFile(io.BytesIO(_clean_avif(data)))
    with image:
        full = _check_pixels(*image.size)
        if getattr(image, "is_animated", False):
            notes.append("first-frame")
        if kind == "JPEG":
            # decoded at a half or a quarter, where that leaves more than half of the pixels that are kept
            width, height = _kept_size(*image.size)
            image.draft(None, (width * 3 // 4, height * 3 // 4))
        image.load()
        # a PNG's block may stand behind its pixels; a TIFF has none, and is already turned
        orientation = _orientation(exif or image.info.get("exif", b""))
        pixels, stretched = _srgb(image)
    if stretched:
        notes.append("stretched")
    width, height = _kept_size(pixels.shape[1], pixels.shape[0])
    if width * height < full:
        notes.append("shrunk")
    if (height, width) != pixels.shape[:2]:
        pixels = fit(pixels, (height, width))
    return Picture(_UPRIGHT[orientation](pixels), tuple(notes))


def _check_pixels(width: int, height: int) -> int:
    if width * height > MAX_PIXELS:
        raise PictureError("too-many-pixels", megapixels=math.ceil(width * height / 1e6))
    return width * height


def _kept_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1, math.sqrt(KEPT_PIXELS / (width * height)), KEPT_SIDE / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _clean_jpeg(data: bytes) -> tuple[bytes, bytes]:
    """The segments that a decoder needs, and the first EXIF block.

    Pillow parses all EXIF segments joined while opening, where each of many tags may claim the same megabytes.
    """
    kept, exif, scans, position = [data[:2]], b"", 0, 2
    while (position := data.find(b"\xff", position)) >= 0 and position + 1 < len(data):
        marker = data[position + 1]
        if marker == 0xD9:  # end; what follows (a video, a second picture) is not ours
            kept.append(b"\xff\xd9")
            break
        if marker in (0x00, 0xFF):
            position += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:
            scans += 1
            if scans > _MAX_SCANS:
                raise PictureError("damaged", kind="JPEG")
            following = _JPEG_MARKER.search(data, end)
            end = following.start() if following else len(data)
        segment = data[position:end]
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            exif = exif or segment[10:]
        profile = marker == 0xE2 and segment[4:16] == b"ICC_PROFILE\0"
        if marker <= 0xE0 or marker == 0xEE or profile:
            kept.append(segment)
        position = end
    return b"".join(kept), exif


_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # within a scan 0xff is followed by 0 or a restart


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


def _clean_tiff(data: bytes) -> tuple[bytes, bool]:
    """The file with only the tags that decoding needs in its only directory; whether there were more directories.

    Pillow and libtiff read every tag, where each of many may claim the same megabytes.
    """
    directory = _directory(data)
    kept = [entry for entry in directory.entries if entry.tag in _TIFF_TAGS]
    values = {entry.tag: entry.value for entry in kept}
    _check_pixels(values.get(256, 0), values.get(257, 0))
    _check_pixels(values.get(322, 0), values.get(323, 0))  # a tile is decoded whole
    numbers = max((entry.length for entry in kept if entry.size > entry.length), default=0)
    if numbers > _MAX_TIFF_VALUES or sum(entry.size for entry in kept) > len(data):
        raise PictureError("damaged", kind="TIFF")
    rewritten = directory.head.pack(len(kept)) + b"".join(entry.raw for entry in kept) + directory.link.pack(0)
    end = directory.start + len(rewritten)
    return data[: directory.start] + rewritten + data[end:], directory.more


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


def _srgb(image: Image.Image) -> tuple[np.ndarray, bool]:
    """uint8 height x width x 3, and whether the values had to be stretched. In strips, so that memory stays bounded."""
    stretched = False
    if image.mode.startswith(("I", "F")):
        image, stretched = _eight_bits(image)
    profile = _profile(image)
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(_strip_to_srgb(image.crop((0, top, width, bottom)), profile))
    return pixels, stretched


def _eight_bits(image: Image.Image) -> tuple[Image.Image, bool]:
    """Grey of 16 or 32 bits to 8; integers and floats of 32 bits have no range of their own, so the values decide."""
    values = np.asarray(image)
    stretched = False
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        finite = np.isfinite(values)
        values = np.where(finite, values, values[finite].min(initial=0) if finite.any() else 0)
        low, high = float(values.min()), float(values.max())
        usual = [1.0, 255.0, 65535.0] if image.mode == "F" else [255.0, 65535.0]
        fitting = [limit for limit in usual if low >= 0 and high <= limit]
        stretched = not fitting
        low, high = (0.0, fitting[0]) if fitting else (low, high)
    scale = 255 / ((high - low) or 1)
    scaled = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), 256):  # in rows: the floats would need eight times the room
        scaled[top : top + 256] = np.rint((values[top : top + 256].astype(np.float64) - low) * scale)
    result = Image.fromarray(scaled)
    if isinstance(clear := image.info.get("transparency"), int):  # one value of a 16-bit PNG that means transparent
        result.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    if "icc_profile" in image.info:
        result.info["icc_profile"] = image.info["icc_profile"]
    return result, stretched


def _profile(image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """(mode that it takes, transform to sRGB) of the image's ICC profile.

    None if it has none that can be used, or one that changes no colour by more than 1 (sRGB's own, on most photos:
    the transform costs half a second for a phone's).
    """
    icc = image.info.get("icc_profile")
    if not icc or len(icc) > _MAX_PROFILE:
        return None
    needed = {"CMYK": "CMYK", "LAB": "LAB", "1": "L", "L": "L", "LA": "L"}.get(image.mode, "RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(source.profile.xcolor_space.strip())
        if mode is None or (mode != needed and (mode, needed) != ("RGB", "L")):
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "RGB":
            changed = np.asarray(ImageCms.applyTransform(Image.fromarray(_COLOURS), transform), np.int16) - _COLOURS
            if np.abs(changed).max() <= 1:
                return None
    except Exception:  # a broken profile is no reason to refuse the picture
        return None
    return mode, transform


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
