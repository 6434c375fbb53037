"""Reading pictures: pixel values, refusals, and that small files stay small. All files are made here."""

import contextlib
import io
import os
import random
import struct
import tracemalloc
import zlib

import hostile
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, features

from explain import pictures
from explain.pictures import PictureError, fit, read, resize

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"]
EXACT = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}


def encode(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **{**EXACT.get(kind, {}), **options})
    return file.getvalue()


def grey(values, cell=1):
    return Image.fromarray(np.kron(np.array(values, np.uint8), np.ones((cell, cell), np.uint8)))


def code(source):
    """The code of the refusal, whose sentence must be one, and without a path."""
    with pytest.raises(PictureError) as caught:
        read(source)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert "/" not in sentence
    return caught.value.code


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour, rows, *extra):
    """A PNG byte by byte: Pillow writes no 16-bit colours. `rows` are the filtered bytes; `extra` chunks come first."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif_block(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


# --- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_its_pixels(kind):
    if kind == "AVIF":
        assert features.check("avif")
    quadrants = np.zeros((32, 48, 3), np.uint8)
    quadrants[:16, :24] = 250, 10, 20
    quadrants[:16, 24:] = 20, 240, 10
    quadrants[16:, :24] = 10, 30, 245
    quadrants[16:, 24:] = 200, 200, 40
    result = read(encode(Image.fromarray(quadrants), kind))
    assert result.notes == ()
    assert result.pixels.dtype == np.uint8
    assert result.pixels.shape == (32, 48, 3)
    exact = kind not in ("JPEG", "AVIF")
    assert np.abs(result.pixels.astype(int) - quadrants).max() <= (0 if exact else 4)


@pytest.mark.parametrize("options", [{"compression": c} for c in ("tiff_lzw", "tiff_adobe_deflate", "packbits")])
def test_compressed_tiff(options):
    values = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(read(encode(Image.fromarray(values), "TIFF", **options)).pixels, values)


def test_big_tiff():
    values = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(read(encode(Image.fromarray(values), "TIFF", big_tiff=True)).pixels, values)


def test_source_may_be_bytes_path_or_file(tmp_path):
    data = encode(grey([[7, 8]]), "PNG")
    path = tmp_path / "named-wrongly.svg"
    path.write_bytes(data)
    for source in (data, bytearray(data), memoryview(data), str(path), path, io.BytesIO(data)):
        np.testing.assert_array_equal(read(source).pixels[..., 0], [[7, 8]])


def test_file_that_gives_one_byte_at_a_time():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(1)

    np.testing.assert_array_equal(read(Slow(encode(grey([[7, 8]]), "PNG"))).pixels[..., 0], [[7, 8]])


# --- orientation ------------------------------------------------------------------------------------------------------

STORED = [[10, 50, 90], [130, 170, 210]]
UPRIGHT = {
    1: [[10, 50, 90], [130, 170, 210]],
    2: [[90, 50, 10], [210, 170, 130]],
    3: [[210, 170, 130], [90, 50, 10]],
    4: [[130, 170, 210], [10, 50, 90]],
    5: [[10, 130], [50, 170], [90, 210]],
    6: [[130, 10], [170, 50], [210, 90]],
    7: [[210, 90], [170, 50], [130, 10]],
    8: [[90, 210], [50, 170], [10, 130]],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("AVIF", {})],
)
def test_orientation(kind, options, orientation):
    image = grey(STORED, cell=16).convert("RGB")
    pixels = read(encode(image, kind, exif=exif_block(orientation), **options)).pixels
    assert pixels.flags.c_contiguous
    centres = pixels[8::16, 8::16, 1].astype(int)
    assert centres.shape == np.shape(UPRIGHT[orientation])
    assert np.abs(centres - UPRIGHT[orientation]).max() <= 2


def test_orientation_of_a_png_whose_exif_follows_the_pixels():
    data = encode(grey(STORED), "PNG")
    block = chunk(b"eXIf", exif_block(6)[6:])
    data = data.replace(data[-12:], block + data[-12:])
    np.testing.assert_array_equal(read(data).pixels[..., 0], UPRIGHT[6])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x0e\0\2\xff\xff\xff\xff\xff\xff\xff\xff",
        exif_block(1)[:-7],
        exif_block(1)[:10] + b"\xff" * 30,
        exif_block(99),
    ],
)
def test_broken_exif_does_not_fail_the_picture(kind, block):
    pixels = read(encode(grey(STORED, 16).convert("RGB"), kind, exif=block)).pixels
    assert np.abs(pixels[8::16, 8::16, 0].astype(int) - STORED).max() <= 2


def test_broken_exif_of_an_avif():
    exif = Image.Exif()
    exif[305] = "software"
    data = encode(grey(STORED, 16), "AVIF", exif=exif)
    at = data.index(b"MM\0*")
    data = data[:at] + b"??" + data[at + 2 :]
    assert np.abs(read(data).pixels[8::16, 8::16, 0].astype(int) - STORED).max() <= 2


# --- colours ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("ink", "colour"), [((0, 255, 255, 0), (255, 0, 0)), ((255, 0, 255, 51), (0, 204, 0)), ((0, 0, 0, 0), (255,) * 3)]
)
def test_cmyk(kind, ink, colour):
    # Pillow writes CMYK JPEGs inverted, with Adobe's marker, as Photoshop does
    data = encode(Image.new("CMYK", (16, 16), ink), kind)
    assert kind == "TIFF" or b"Adobe" in data
    assert np.abs(read(data).pixels.astype(int) - colour).max() <= 2


# round(v / 257)
SIXTEEN = np.array([[0, 128, 129, 257, 385, 386, 32767, 32768, 65278, 65535]], np.uint16)
EIGHT = [[0, 0, 1, 1, 1, 2, 127, 128, 254, 255]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey(kind):
    result = read(encode(Image.fromarray(SIXTEEN), kind))
    np.testing.assert_array_equal(result.pixels, np.repeat(EIGHT, 3).reshape(1, 10, 3))
    assert result.notes == ()


def test_sixteen_bit_grey_tiff_big_endian():
    samples = SIXTEEN.astype(">u2").tobytes()
    tags = [(256, 10), (257, 1), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, len(samples))]
    entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    data = b"MM\0*" + struct.pack(">I", 8 + len(samples)) + samples + struct.pack(">H", len(tags)) + entries + bytes(4)
    np.testing.assert_array_equal(read(data).pixels[..., 1], EIGHT)


def test_sixteen_bit_grey_with_one_transparent_value():
    rows = b"\0" + struct.pack(">HHH", 0, 1000, 65535)
    data = png(3, 1, 16, 0, rows, chunk(b"tRNS", struct.pack(">H", 1000)))
    np.testing.assert_array_equal(read(data).pixels[0, :, 0], [0, 255, 255])


def test_sixteen_bit_colours():
    rgb = b"\0" + struct.pack(">6H", 65535, 32896, 0, 257, 2570, 51400)
    np.testing.assert_array_equal(read(png(2, 1, 16, 2, rgb)).pixels, [[[255, 128, 0], [1, 10, 200]]])
    rgba = b"\0" + struct.pack(">8H", 65535, 32896, 0, 65535, 65535, 0, 0, 0)
    np.testing.assert_array_equal(read(png(2, 1, 16, 6, rgba)).pixels, [[[255, 128, 0], [255, 255, 255]]])
    la = b"\0" + struct.pack(">4H", 25700, 65535, 25700, 0)
    np.testing.assert_array_equal(read(png(2, 1, 16, 4, la)).pixels, [[[100] * 3, [255] * 3]])


@pytest.mark.parametrize(
    ("values", "expected", "notes"),
    [
        (np.float32([[0, 0.5, 1]]), [0, 128, 255], ()),
        (np.float32([[0, 0.5, 200]]), [0, 0, 200], ()),
        (np.float32([[0, np.nan, 1]]), [0, 0, 255], ()),
        (np.float32([[-1, 0, 3]]), [0, 64, 255], ("stretched",)),
        (np.float32([[-1, -1, -1]]), [0, 0, 0], ("stretched",)),
        (np.int32([[0, 100, 200]]), [0, 100, 200], ()),
        (np.int32([[0, 257, 65535]]), [0, 1, 255], ()),
        (np.int32([[0, 500_000, 1_000_000]]), [0, 128, 255], ("stretched",)),
    ],
)
def test_tiff_of_32_bits(values, expected, notes):
    result = read(encode(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(result.pixels[0, :, 0], expected)
    assert result.notes == notes


def test_one_bit():
    image = Image.fromarray(np.array([[True, False, True]]))
    for kind in ("PNG", "TIFF", "BMP"):
        np.testing.assert_array_equal(read(encode(image, kind)).pixels[0, :, 2], [255, 0, 255])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_alpha_lies_over_white(kind):
    values = np.array([[[255, 0, 0, 255], [255, 0, 0, 128], [0, 0, 0, 0]]], np.uint8)
    options = {"exact": True} if kind == "WEBP" else {}
    pixels = read(encode(Image.fromarray(values), kind, **options)).pixels
    np.testing.assert_array_equal(pixels, [[[255, 0, 0], [255, 127, 127], [255, 255, 255]]])


def test_grey_with_alpha():
    image = Image.merge("LA", [grey([[100, 100]]), grey([[255, 51]])])
    np.testing.assert_array_equal(read(encode(image, "PNG")).pixels[0, :, 0], [100, 224])


def test_transparent_colour_of_a_png():
    rgb = encode(Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)), "PNG", transparency=(1, 2, 3))
    np.testing.assert_array_equal(read(rgb).pixels, [[[255, 255, 255], [4, 5, 6]]])
    np.testing.assert_array_equal(read(encode(grey([[9, 10]]), "PNG", transparency=9)).pixels[0, :, 0], [255, 10])


def palette():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 0])
    return image


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "BMP"])
def test_palette(kind):
    expected = [[[10, 20, 30], [200, 100, 50], [0, 255, 0]]]
    np.testing.assert_array_equal(read(encode(palette(), kind)).pixels, expected)


def test_palette_with_transparency():
    for kind in ("PNG", "GIF"):
        pixels = read(encode(palette(), kind, transparency=1)).pixels
        np.testing.assert_array_equal(pixels, [[[10, 20, 30], [255, 255, 255], [0, 255, 0]]])
    half = read(encode(palette(), "PNG", transparency=bytes([255, 51, 0]))).pixels
    np.testing.assert_array_equal(half, [[[10, 20, 30], [244, 224, 214], [255, 255, 255]]])


# --- colour profiles --------------------------------------------------------------------------------------------------

# Colourants adapted to D50 (ICC's connection space), columns red, green, blue
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0010, 0.0419, 0.7841]])


def icc(space, tags):
    """A display profile of version 2."""
    tags = {b"wtpt": xyz(0.9642, 1.0, 0.8249), b"cprt": b"text\0\0\0\0none\0", **tags}
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4s4s4s4s4s", 0, b"\0" * 4, b"\x02\x10\0\0", b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    profile = header.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


def xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(v * 65536) for v in values))


LINEAR = b"curv" + bytes(8)
GAMMA_22 = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))


def rgb_profile(colourants, curve):
    names = {b"rXYZ": 0, b"gXYZ": 1, b"bXYZ": 2}
    tags = {name: xyz(*colourants[:, i]) for name, i in names.items()}
    return icc(b"RGB ", {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def srgb_encoded(linear):
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_linear_profile(kind):
    image = Image.new("RGB", (16, 16), (255, 55, 10))
    pixels = read(encode(image, kind, icc_profile=rgb_profile(SRGB, LINEAR))).pixels.astype(int)
    expected = srgb_encoded(np.array([255, 55, 10]) / 255)  # 255, 128, 56
    assert np.abs(pixels - expected).max() <= (2 if kind in ("PNG", "WEBP", "TIFF") else 6)


def test_srgb_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8)
    np.testing.assert_array_equal(read(encode(Image.fromarray(colours), "PNG", icc_profile=profile)).pixels, colours)


def test_wide_gamut_profile():
    colour = np.array([200, 120, 90])
    data = encode(
        Image.new("RGB", (4, 4), tuple(map(int, colour))), "PNG", icc_profile=rgb_profile(DISPLAY_P3, GAMMA_22)
    )
    expected = srgb_encoded(np.linalg.inv(SRGB) @ DISPLAY_P3 @ (colour / 255) ** 2.2)
    assert expected[0] - colour[0] > 10  # a reader that ignores profiles would fail
    assert np.abs(read(data).pixels - expected).max() <= 2


def test_profile_that_swaps_channels():
    swapped = rgb_profile(SRGB[:, [1, 2, 0]], LINEAR)
    image = palette()
    data = encode(image, "PNG", icc_profile=swapped)
    expected = srgb_encoded(np.array([[[30, 10, 20], [50, 200, 100], [0, 0, 255]]]) / 255)
    assert np.abs(read(data).pixels - expected).max() <= 2


def test_profile_with_alpha():
    values = np.array([[[255, 55, 10, 255], [255, 55, 10, 0]]], np.uint8)
    pixels = read(encode(Image.fromarray(values), "PNG", icc_profile=rgb_profile(SRGB, LINEAR))).pixels
    assert np.abs(pixels[0, 0] - srgb_encoded(np.array([255, 55, 10]) / 255)).max() <= 2
    np.testing.assert_array_equal(pixels[0, 1], [255, 255, 255])


def test_grey_profile():
    profile = icc(b"GRAY", {b"kTRC": LINEAR})
    plain = grey([[0, 55, 255]])
    sixteen = Image.fromarray(np.array([[0, 55 * 257, 65535]], np.uint16))
    with_alpha = Image.merge("LA", [plain, grey([[255, 255, 255]])])
    for image in (plain, sixteen, with_alpha):
        pixels = read(encode(image, "PNG", icc_profile=profile)).pixels
        assert np.abs(pixels.astype(int) - np.repeat([0, 128, 255], 3).reshape(1, 3, 3)).max() <= 2


def test_grey_picture_with_a_colour_profile():
    pixels = read(encode(grey([[0, 55, 255]]), "PNG", icc_profile=rgb_profile(SRGB, LINEAR))).pixels
    assert np.abs(pixels.astype(int) - np.repeat([0, 128, 255], 3).reshape(1, 3, 3)).max() <= 2


@pytest.mark.parametrize(
    "profile",
    [
        b"garbage",
        rgb_profile(SRGB, LINEAR)[:200],
        icc(b"GRAY", {b"kTRC": LINEAR}),
        icc(b"CMYK", {b"kTRC": LINEAR}),
        icc(b"RGB ", {}),
    ],
)
def test_profile_that_cannot_be_used_is_ignored(profile):
    values = np.array([[[255, 55, 10]]], np.uint8)
    np.testing.assert_array_equal(read(encode(Image.fromarray(values), "PNG", icc_profile=profile)).pixels, values)


# --- several frames, many pixels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_first_of_several_frames(kind):
    first, second = Image.new("RGB", (16, 16), (255, 0, 0)), Image.new("RGB", (16, 16), (0, 0, 255))
    result = read(encode(first, kind, save_all=True, append_images=[second, second]))
    assert result.notes == ("first-frame",)
    assert np.abs(result.pixels.astype(int) - [255, 0, 0]).max() <= 2


def test_second_picture_of_a_phone_photo_is_no_frame():
    first, second = Image.new("RGB", (16, 16), (255, 0, 0)), Image.new("RGB", (16, 16), (0, 0, 255))
    file = io.BytesIO()
    first.save(file, "MPO", save_all=True, append_images=[second])
    result = read(file.getvalue())
    assert result.notes == ()
    assert np.abs(result.pixels.astype(int) - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_shrunk_to_the_kept_pixels(kind, monkeypatch):
    monkeypatch.setattr(pictures, "KEPT_PIXELS", 1800)
    values = np.zeros((80, 160, 3), np.uint8)
    values[:, 80:] = 255
    result = read(encode(Image.fromarray(values), kind, exif=exif_block(6)))
    assert result.notes == ("shrunk",)
    assert result.pixels.shape == (60, 30, 3)
    assert result.pixels[:29].max() <= 3
    assert result.pixels[31:].min() >= 252


def test_large_jpeg_is_decoded_at_half_its_size(monkeypatch):
    decoded = []
    srgb = pictures._srgb
    monkeypatch.setattr(pictures, "KEPT_PIXELS", 1800)
    monkeypatch.setattr(pictures, "_srgb", lambda image, out: decoded.append(image.size) or srgb(image, out))
    read(encode(Image.new("RGB", (160, 80)), "JPEG"))
    assert decoded == [(80, 40)]


def test_not_shrunk_at_the_limit(monkeypatch):
    monkeypatch.setattr(pictures, "KEPT_PIXELS", 1200)
    assert read(encode(Image.new("RGB", (40, 30)), "PNG")).notes == ()
    result = read(encode(Image.new("RGB", (1201, 1)), "PNG"))
    assert result.notes == ("shrunk",)
    assert result.pixels.shape == (1, 1200, 3)


def test_very_long_picture_is_drawable():
    result = read(encode(Image.new("L", (40_000, 2), 77), "PNG"))
    assert result.pixels.shape == (1, 16384, 3)
    assert (result.pixels == 77).all()


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_cut_short(kind):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    data = encode(Image.fromarray(noise), kind)
    for part in (0.3, 0.6, 0.95):
        assert code(data[: int(len(data) * part)]) == "damaged"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"just a few words\n", "text"),
        ("Grüße, 고양이".encode(), "text"),
        ("Katze".encode("utf-16"), "text"),
        (b"<!doctype html><html><body>cat</body></html>", "text"),
        (b"BMW is a car maker, and this is no bitmap.", "text"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "vector"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "vector"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "unknown"),
        (b"PK\x03\x04" + bytes(40), "unknown"),
        (bytes(100), "unknown"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"GIF89a", "damaged"),
        (b"II*\0\x08\0\0\0", "damaged"),
        (b"RIFF\0\0\0\0WEBPVP8X", "damaged"),
    ],
)
def test_refused_by_content_whatever_the_name(data, expected, tmp_path):
    assert code(data) == expected
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    assert code(path) == expected


def test_what_cannot_be_opened(tmp_path):
    assert code(tmp_path) == "unreadable"
    assert code(tmp_path / "missing.jpg") == "unreadable"
    assert code("with\0nul.jpg") == "unreadable"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert code(tmp_path / "pipe.jpg") == "unreadable"
    closed = io.BytesIO(b"x")
    closed.close()
    assert code(closed) == "unreadable"


def test_large_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "large.jpg"
    with open(path, "wb") as file:
        file.truncate(2**40)
    assert code(path) == "too-large"

    class Endless:
        def read(self, size):
            return b"\xff\xd8\xff" + bytes(size - 3)

    assert code(Endless()) == "too-large"


def huge(kind):
    """A file of a few bytes or kilobytes whose header says 20,000 x 20,000 (or what the format allows)."""
    small = Image.new("L" if kind != "WEBP" else "RGBA", (16, 16))
    if kind == "PNG":
        squeeze = zlib.compressobj()
        rows = b"".join(squeeze.compress(bytes(2501 * 1000)) for _ in range(20)) + squeeze.flush()
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    if kind == "TIFF":
        small = Image.new("L", (20_000, 20_000))
        return encode(small.reduce(1000), "TIFF", tiffinfo={256: 20_000, 257: 20_000})
    data = bytearray(encode(small, kind, **({"icc_profile": b"0"} if kind == "WEBP" else {})))
    if kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 20_000, 20_000)
    elif kind == "WEBP":
        assert data[12:16] == b"VP8X"
        data[24:30] = (15_999).to_bytes(3, "little") * 2
    elif kind == "GIF":
        struct.pack_into("<HH", data, 6, 20_000, 20_000)
    elif kind == "BMP":
        struct.pack_into("<ii", data, 18, 20_000, 20_000)
    elif kind == "AVIF":
        struct.pack_into(">II", data, data.index(b"ispe") + 8, 16_000, 16_000)
    return bytes(data)


@pytest.mark.parametrize("kind", [k for k in FORMATS if k != "TIFF"])
def test_many_pixels_are_refused_before_decoding(kind, monkeypatch):
    def decodes(*_):
        raise AssertionError("decoded")

    data = huge(kind)
    assert len(data) < 100_000
    monkeypatch.setattr(ImageFile.ImageFile, "load", decodes)
    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", decodes)
    limit = Image.MAX_IMAGE_PIXELS
    tracemalloc.start()
    try:
        assert code(data) == "too-many-pixels"
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert limit == Image.MAX_IMAGE_PIXELS


def tiff(tags, pixels=bytes(256)):
    """A TIFF of 16 x 16 grey pixels; `tags` are added or override: {tag: (type, count, value)}."""
    plain = {256: (3, 1, 16), 257: (3, 1, 16), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8)}
    plain |= {277: (3, 1, 1), 278: (3, 1, 16), 279: (4, 1, 256)}
    tags = sorted({**plain, **tags}.items())
    entries = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in tags)
    start = 8 + len(pixels)
    return b"II*\0" + struct.pack("<I", start) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_tiff_made_here_is_right():
    np.testing.assert_array_equal(read(tiff({}, bytes(range(256)))).pixels[..., 0], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({256: (4, 1, 20_000), 257: (4, 1, 20_000)}, "too-many-pixels"),
        ({322: (4, 1, 60_000), 323: (4, 1, 60_000)}, "too-many-pixels"),  # one tile, decoded whole
        ({256: (4, 1, 0)}, "damaged"),
        ({273: (4, 2**31, 8)}, "damaged"),
        ({320: (3, 2**30, 8)}, "damaged"),
        ({277: (3, 1, 60_000)}, "damaged"),
        (dict.fromkeys(range(512, 522), (7, 200, 8)), "damaged"),  # together more than the file
    ],
)
def test_tiff_with_absurd_tags(tags, expected):
    assert code(tiff(tags)) == expected


def test_tiff_with_too_many_tags():
    assert code(tiff(dict.fromkeys(range(40_000, 45_000), (3, 1, 0)))) == "damaged"


def test_tiff_with_too_many_strips():
    assert code(tiff({273: (4, 300_000, 8), 279: (4, 300_000, 8)}, bytes(2_500_000))) == "damaged"


def peak(source):
    tracemalloc.start()
    try:
        read(source)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def many_tags(length, count):
    """An EXIF block whose tags all claim the same bytes."""
    entries = b"".join(struct.pack("<HHII", 40_000 + i, 7, length - 3000, 2900) for i in range(count))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4)).ljust(length, b"\0")


def test_tags_that_share_their_bytes_cost_nothing_tiff():
    shared = {40_000 + i: (7, 1_000_000, 8) for i in range(150)}
    assert peak(tiff(shared, bytes(1_000_100))) < 10_000_000


def test_tags_that_share_their_bytes_cost_nothing_jpeg():
    block = many_tags(1_000_000, 150)
    parts = [block[i : i + 65_000] for i in range(0, len(block), 65_000)]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts)
    data = encode(grey([[7]], 16), "JPEG")
    assert peak(data[:2] + segments + data[2:]) < 10_000_000


def test_tags_that_share_their_bytes_cost_nothing_avif():
    data = encode(grey([[7]], 16), "AVIF", exif=many_tags(1_000_000, 100))
    assert len(data) > 1_000_000
    assert peak(data) < 10_000_000


def test_compressed_text_is_not_unpacked():
    text = zlib.compress(bytes(50_000_000), 9)
    data = png(1, 1, 8, 0, b"\0\7", chunk(b"zTXt", b"Comment\0\0" + text))
    assert len(data) < 60_000
    tracemalloc.start()
    try:
        assert read(data).pixels.tolist() == [[[7, 7, 7]]]
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_compressed_profile_is_bounded():
    profile = zlib.compress(bytes(50_000_000), 9)
    data = png(1, 1, 8, 0, b"\0\7", chunk(b"iCCP", b"p\0\0" + profile))
    tracemalloc.start()
    try:
        assert code(data) == "damaged"
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_progressive_jpeg_of_a_thousand_scans():
    data = encode(
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)), "JPEG", progressive=True
    )
    scan = data.rindex(b"\xff\xda")
    assert data.count(b"\xff\xda") > 3
    read(data)
    assert code(data[:-2] + data[scan:-2] * 1000 + data[-2:]) == "damaged"


def test_junk_between_the_segments_of_a_jpeg():
    data = encode(grey([[70]], 16), "JPEG")
    data = data[:2] + b"\xff\xff\xfe\0\x05abc" + b"junk" + data[2:] + b"trailing video"
    assert np.abs(read(data).pixels.astype(int) - 70).max() <= 1


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.filterwarnings("ignore")
def test_flipped_bytes_give_a_picture_or_a_refusal(kind):
    """Whatever stands in a file, nothing but a Picture or a PictureError comes out."""
    draw = random.Random(kind)
    gradient = np.arange(24 * 16 * 3, dtype=np.uint32).reshape(16, 24, 3).astype(np.uint8)
    image = Image.fromarray(gradient)
    several = {"save_all": True, "append_images": [image.rotate(180)]} if kind in ("GIF", "WEBP", "TIFF") else {}
    metadata = {"exif": exif_block(6), "icc_profile": rgb_profile(SRGB, LINEAR)} if kind not in ("GIF", "BMP") else {}
    originals = [encode(image, kind), encode(image, kind, **several, **metadata)]
    outcomes = set()
    for _ in range(150):
        data = bytearray(draw.choice(originals))
        for _ in range(draw.choice([1, 1, 2, 5])):
            data[draw.randrange(draw.choice([min(64, len(data)), len(data)]))] = draw.randrange(256)
        try:
            pixels = read(bytes(data)).pixels
        except PictureError as error:
            outcomes.add(error.code)
        else:
            outcomes.add("read")
            assert pixels.dtype == np.uint8
            assert pixels.shape[2:] == (3,)
            assert 0 < pixels.shape[0] * pixels.shape[1] <= pictures.KEPT_PIXELS
    assert {"read", "damaged"} <= outcomes


# --- right, or refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16, 32])
@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_tiff_of_any_depth_is_right_or_refused(order, packed, bits, photometric):
    """A ramp from black to white, as it is or upside down, never anything else."""
    width, height = 64, 4
    shares = np.tile(np.linspace(0, 1, width), (height, 1))
    values = np.rint(shares * (2**bits - 1)).astype(np.uint64)
    if bits == 12:
        rows = ["".join(f"{value:012b}" for value in row) for row in values]
        samples = b"".join(int(row, 2).to_bytes(width * 12 // 8, "big") for row in rows)
    else:
        samples = values.astype(f"{order}u{bits // 8}").tobytes()
    data = zlib.compress(samples) if packed else samples
    tags = {262: photometric, 259: 8 if packed else 1, 258: bits, 256: width, 257: height, 278: height, 277: 1}
    tags |= {273: 8, 279: len(data)}
    data = hostile.tiff([(tag, 4, 1, value) for tag, value in sorted(tags.items())], data, order)
    if (bits, photometric) in ((12, 0), (32, 0)) or (
        order == ">" and (bits in (12, 32) or (bits, photometric) == (16, 0))
    ):
        assert code(data) == "damaged"  # Pillow does not know them
        return
    result = read(data)
    expected = np.rint(255 * (1 - shares if photometric == 0 else shares))
    assert np.abs(result.pixels[..., 1] - expected).max() <= 1
    assert result.notes == (("stretched",) if bits == 32 else ())


@pytest.mark.parametrize("photometric", [0, 1])
def test_float_tiff_whose_white_is_zero(photometric):
    samples = np.float32([[0, 0.25, 1, np.nan]]).tobytes()
    tags = {256: 4, 257: 1, 258: 32, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 1, 279: 16, 339: 3}
    pixels = read(hostile.tiff([(tag, 4, 1, value) for tag, value in sorted(tags.items())], samples)).pixels
    assert pixels[0, :3, 0].tolist() == ([255, 191, 0] if photometric == 0 else [0, 64, 255])


def test_twelve_bits_are_drawn_by_their_own_range():
    samples = b"".join(int(f"{a:012b}{b:012b}", 2).to_bytes(3, "big") for a, b in ((0, 4095), (2048, 1024)))
    tags = {256: 2, 257: 2, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 2, 279: 6}
    data = hostile.tiff([(tag, 4, 1, value) for tag, value in sorted(tags.items())], samples)
    np.testing.assert_array_equal(read(data).pixels[..., 0], [[0, 255], [128, 64]])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("planes", [False, True])
def test_colour_tiff_in_planes_is_right_or_refused(bits, packed, planes):
    values = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)
    samples = values.astype(np.uint16) * 257 if bits == 16 else values
    parts = [samples[..., k] for k in range(3)] if planes else [samples]
    parts = [zlib.compress(part.tobytes()) if packed else part.tobytes() for part in parts]
    places = np.cumsum([8, *map(len, parts)])
    at = int(places[-1])
    table = struct.pack(f"<{2 * len(parts)}L", *places[:-1], *map(len, parts)) + struct.pack("<3H", bits, bits, bits)
    several = len(parts) > 1
    tags = {256: (1, 16), 257: (1, 8), 258: (3, at + 8 * len(parts)), 259: (1, 8 if packed else 1), 262: (1, 2)}
    tags |= {273: (len(parts), at if several else 8), 277: (1, 3), 278: (1, 8), 284: (1, 2 if planes else 1)}
    tags |= {279: (len(parts), at + 4 * len(parts) if several else len(parts[0]))}
    entries = [(tag, 3 if tag == 258 else 4, *value) for tag, value in sorted(tags.items())]
    data = hostile.tiff(entries, b"".join(parts) + table)
    if planes and not packed and bits == 16:
        assert code(data) == "damaged"
    else:
        np.testing.assert_array_equal(read(data).pixels, values)


def test_signed_bytes_are_refused():
    tags = {256: 4, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 4, 339: 2}
    assert code(hostile.tiff([(tag, 4, 1, value) for tag, value in sorted(tags.items())], bytes(4))) == "damaged"


@pytest.mark.parametrize("packing", ["tiff_lzw", "jpeg"])
def test_tiff_of_luma_and_chroma(packing):
    image = Image.new(
        "YCbCr", (48, 32), tuple(Image.new("RGB", (1, 1), (200, 30, 20)).convert("YCbCr").getpixel((0, 0)))
    )
    pixels = read(encode(image, "TIFF", compression=packing)).pixels
    assert np.abs(pixels.astype(int) - (200, 30, 20)).max() <= 3
    with contextlib.suppress(PictureError):  # without packing: by Pillow before 13
        pixels = read(encode(image, "TIFF")).pixels
        assert np.abs(pixels.astype(int) - (200, 30, 20)).max() <= 3


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 2), (3, 1), (1, 3000), (3000, 1), (5, 5)])
def test_small_and_narrow_jpegs_keep_their_size(size):
    result = read(encode(Image.new("RGB", size, (200, 100, 50)), "JPEG"))
    assert (result.pixels.shape, result.notes) == ((*size[::-1], 3), ())
    assert np.abs(result.pixels.astype(int) - [200, 100, 50]).max() <= 3


@pytest.mark.parametrize("bits", [4, 8])
def test_run_length_codes_of_a_bmp_are_refused(bits):
    assert code(hostile.bmp(4, 4, bits, {8: 1, 4: 2}[bits], b"\4\1\0\0" * 4 + b"\0\1")) == "damaged"


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 273, 277, 278, 279])
def test_a_tag_that_is_there_twice_is_refused(tag):
    plain = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 16, 279: 256}
    entries = [(each, 4, 1, value) for each, value in plain.items()]
    read(hostile.tiff(entries, bytes(256)))
    assert code(hostile.tiff(sorted([*entries, (tag, 4, 1, plain[tag])]), bytes(256))) == "damaged"


def test_a_tag_that_is_not_needed_may_be_there_twice():
    entries = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1), (273, 4, 1, 8)]
    entries += [(277, 4, 1, 1), (278, 4, 1, 16), (279, 4, 1, 256), (40_000, 4, 1, 1), (40_000, 4, 1, 2)]
    assert read(hostile.tiff(entries, bytes(256))).pixels.shape == (16, 16, 3)


def test_parts_that_are_passed_over_change_nothing():
    """Comments, texts, unknown parts: the same pixels, orientation and profile with and without them."""
    image = palette().resize((40, 30))
    plain = encode(image, "GIF", transparency=1)
    at = plain.index(b"!\xf9")
    for more in (b"!\xfe\5hello\0", b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", b"!\x01\x03abc\0", bytes(20)):
        np.testing.assert_array_equal(read(plain[:at] + more + plain[at:]).pixels, read(plain).pixels)
        assert read(plain[:-1] + more + b";").notes == ()
    profile = rgb_profile(SRGB, LINEAR)
    photo = encode(grey(STORED, 16).convert("RGB"), "JPEG", exif=exif_block(6), icc_profile=profile)
    odd = b"".join(hostile.segment(marker, b"abc") for marker in (0xFE, 0xE3, 0xEC, 0xE0))
    np.testing.assert_array_equal(read(photo[:2] + odd * 100 + photo[2:]).pixels, read(photo).pixels)
    drawing = encode(grey(STORED), "PNG", exif=exif_block(6), icc_profile=icc(b"GRAY", {b"kTRC": LINEAR}))
    odd = chunk(b"tEXt", b"a\0b") + chunk(b"prVt", b"abc") + chunk(b"gAMA", struct.pack(">I", 45455))
    assert drawing.count(b"IHDR") == 1
    np.testing.assert_array_equal(read(drawing[:33] + odd * 100 + drawing[33:]).pixels, read(drawing).pixels)


@pytest.mark.parametrize(
    ("frames", "apart", "notes"), [(1, False, ()), (1, True, ("first-frame",)), (3, False, ("first-frame",))]
)
def test_png_that_moves_says_so(frames, apart, notes):
    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    before = [chunk(b"acTL", struct.pack(">II", frames, 0)), *([] if apart else [control])]
    assert read(png(1, 1, 8, 0, b"\0\7", *before)).notes == notes


def test_pixels_of_a_png_in_many_chunks():
    values = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    data = encode(Image.fromarray(values), "PNG")
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    stream = zlib.compress(b"".join(b"\0" + row.tobytes() for row in values))
    for size in (1, 7, 1000):
        parts = b"".join(chunk(b"IDAT", stream[k : k + size]) for k in range(0, len(stream), size))
        np.testing.assert_array_equal(read(data[:start] + parts + data[end:]).pixels, values)


def test_fill_bytes_within_a_scan_change_nothing():
    data = encode(Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)), "JPEG", quality=95)
    start = hostile.scan_of(data)
    assert b"\xff\0" in data[start:]
    filled = data[:start] + data[start:].replace(b"\xff\0", b"\xff\xff\xff\0")
    np.testing.assert_array_equal(read(filled).pixels, read(data).pixels)


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (lambda: hostile.lossless(7200, 7200), {"kind": "WebP", "megapixels": 52, "most_of_kind": 23}),
        (lambda: hostile.progressive(7200, 7200, 10, 4), {"kind": "JPEG", "megapixels": 52, "most_of_kind": 40}),
        (lambda: hostile.one_strip(7200, 7200, 16, 4, 8), {"kind": "TIFF", "megapixels": 52, "most_of_kind": 33}),
    ],
)
def test_more_than_there_is_memory_for_in_a_format_is_refused(data, facts):
    with pytest.raises(PictureError) as caught:
        read(data())
    assert caught.value.code == "too-many-of-kind"
    assert facts.items() <= caught.value.facts.items()
    assert f"at most {facts['most_of_kind']} are accepted" in str(caught.value)


def test_longer_than_rows_can_be_is_refused():
    for size in ((65_536, 1), (1, 65_536)):
        assert code(encode(Image.new("1", size), "PNG")) == "too-long"
    assert read(encode(Image.new("1", (65_535, 1)), "PNG")).pixels.shape == (1, 16384, 3)


# --- fit --------------------------------------------------------------------------------------------------------------


def rgb(values):
    """The same values in all channels, plus 0, 1 and 2, so that no channel is swapped or dropped."""
    return np.stack([np.asarray(values) + c for c in range(3)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 11), (13, 4), (40, 2), (224, 224)])
def test_constant_stays_constant(size):
    np.testing.assert_array_equal(fit(np.full((7, 11, 3), 93, np.uint8), size), np.full((*size, 3), 93))


def test_same_size_is_the_same_picture():
    picture = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    result = fit(picture, (6, 9))
    np.testing.assert_array_equal(result, picture)
    assert not np.shares_memory(result, picture)


def test_area_average_of_blocks():
    picture = rgb([[0, 4, 100, 104], [8, 12, 108, 112], [40, 40, 7, 7], [80, 80, 7, 11]])
    np.testing.assert_array_equal(fit(picture, (2, 2)), rgb([[6, 106], [60, 8]]))


def test_area_average_weighs_parts_of_pixels():
    np.testing.assert_array_equal(fit(rgb([[0, 60, 120]]), (1, 2)), rgb([[20, 100]]))  # (0 + 60 / 2) / 1.5
    np.testing.assert_array_equal(fit(rgb([[0], [60], [120]]), (2, 1)), rgb([[20], [100]]))


def test_growing_is_bilinear():
    np.testing.assert_array_equal(fit(rgb([[0, 100]]), (1, 4)), rgb([[0, 25, 75, 100]]))
    np.testing.assert_array_equal(fit(rgb([[0], [100]]), (4, 1)), rgb([[0], [25], [75], [100]]))


def test_one_axis_shrinks_while_the_other_grows():
    picture = rgb([[0, 80], [20, 120]])
    np.testing.assert_array_equal(fit(picture, (1, 4)), rgb([[10, 33, 78, 100]]))


def test_views_fit_like_their_copies():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    view = picture[::-1, ::2]
    np.testing.assert_array_equal(fit(view, (9, 7)), fit(view.copy(), (9, 7)))
    assert fit(view, (10, 15)).flags.c_contiguous


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 4), (1, 4, 4, 3), (0, 4, 3)])
def test_fit_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="H x W x 3"):
        fit(np.zeros(shape, np.uint8), (2, 2))


def test_fit_refuses_other_types_and_sizes():
    with pytest.raises(TypeError, match="float32"):
        fit(np.zeros((4, 4, 3), np.float32), (2, 2))
    with pytest.raises(ValueError, match="1 x 1"):
        fit(np.zeros((4, 4, 3), np.uint8), (0, 2))


def test_resize_of_float_maps():
    values = np.float32([[0, 1], [2, 3]])
    np.testing.assert_allclose(resize(values, (4, 2)), [[0, 1], [0.5, 1.5], [1.5, 2.5], [2, 3]])
    np.testing.assert_allclose(resize(values[..., None], (1, 1)), [[[1.5]]])
    assert resize(values, (5, 5)).dtype == np.float32
