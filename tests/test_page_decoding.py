"""Pictures read in processes of their own: what a visitor is told when one goes wrong, and that the next is served."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hostile import png
from PIL import Image

from explain.pictures import MAX_BYTES, MEGA, PictureError, read
from page import decoding, uploads
from page.decoding import Decoders
from page.service import Service

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pictures are read in the page's own process")

# A reader with faults, by the picture's name; all else is read as ever
FAULTY = """
import os, sys, time
import numpy as np
from page import decoder
from explain.pictures import read

def faulty(path, out=None):
    name = os.path.basename(path)
    if name == "sleeps":
        time.sleep(100)
    if name == "computes":
        while True:
            pass
    if name == "eats":
        kept = []
        while True:
            kept.append(np.ones(2**20, np.uint8))
    if name == "dies":
        os.abort()
    if name == "leaves":
        os._exit(0)
    if name == "shouts":
        os.write(1, b"no answer")
        os.write(2, b"no answer")
    if name == "lies":
        os.write(ANSWERS, b"[1]\\n")
    return read(path, out)

ANSWERS = os.dup(1)
decoder.read = faulty
decoder.serve(*map(int, sys.argv[1:]))
"""


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(path)
    return path


@pytest.fixture
def decoders():
    made = Decoders()
    yield made
    made.close()


@pytest.fixture
def faulty():
    made = Decoders(1, (sys.executable, "-c", FAULTY), seconds=2, patience=4, memory=300 * MEGA)
    yield made
    made.close()


def pids(decoders: Decoders) -> list[int]:
    taken = decoders._taken()
    for decoder in taken:
        decoders._idle.put(decoder)
    return [decoder.process.pid for decoder in taken if decoder]


def test_reads_what_the_reader_reads(decoders, photo, tmp_path):
    np.testing.assert_array_equal(decoders.read(str(photo)).pixels, read(photo).pixels)
    odd = tmp_path / "a name\nof two lines, 고양이.gif"
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    frames[0].save(odd, save_all=True, append_images=frames[1:])
    picture = decoders.read(str(odd))
    assert picture.notes == ("first-frame",)
    assert picture.pixels.shape == (20, 30, 3)
    picture.pixels[:] = 0  # its own, and may be written to
    np.testing.assert_array_equal(decoders.read(str(odd)).pixels, read(odd).pixels)


def test_pictures_do_not_share_their_pixels(decoders, tmp_path):
    made = []
    for value in range(8):
        path = tmp_path / f"{value}.png"
        Image.fromarray(np.full((300, 200, 3), value, np.uint8)).save(path)
        made.append(decoders.read(str(path)).pixels)
    for value, pixels in enumerate(made):
        assert (pixels == value).all()
    made = made[1:4]  # the first is no longer in use: its memory may be
    for value in range(8):
        decoders.read(str(tmp_path / f"{value}.png"))
    for value, pixels in enumerate(made, 1):
        assert (pixels == value).all()


@pytest.mark.parametrize(
    ("size", "orientation"),
    [
        *((size, turn) for size in ((60, 40), (20_000, 3)) for turn in (1, 3, 6)),
        pytest.param((4000, 3500), 6, marks=pytest.mark.slow),
    ],
)
def test_turned_and_shrunk_pictures_too(decoders, tmp_path, size, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / "photo.png"
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(values).save(path, exif=exif, compress_level=0)
    if path.stat().st_size > MAX_BYTES:
        Image.fromarray(values[..., 0] // 64 * 64).save(path, exif=exif)
    here, apart = read(path), decoders.read(str(path))
    assert apart.notes == here.notes
    np.testing.assert_array_equal(apart.pixels, here.pixels)


def test_a_view_of_a_picture_keeps_its_pixels(photo, tmp_path):
    decoders = Decoders(1)
    expected = read(photo).pixels[::2, 1:].T.copy()
    view = decoders.read(str(photo)).pixels[::2, 1:].T
    other = tmp_path / "other.png"
    Image.new("RGB", (4, 4), "white").save(other)
    for _ in range(3):
        decoders.read(str(other))
    decoders.close()
    np.testing.assert_array_equal(view, expected)


def test_the_readers_own_sentences_come_through_with_their_facts(decoders, tmp_path):
    for name, data, code in (
        ("text", b"hello", "text"),
        ("cut", b"\xff\xd8\xff", "damaged"),
        ("gone", None, "unreadable"),
        ("large", png(30_000, 30_000), "too-many-pixels"),
    ):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(PictureError) as here:
            read(path)
        with pytest.raises(PictureError) as apart:
            decoders.read(str(path))
        assert apart.value.code == here.value.code == code
        assert (str(apart.value), apart.value.facts, apart.value.key) == (
            str(here.value),
            here.value.facts,
            here.value.key,
        )


def test_one_process_serves_picture_after_picture(photo):
    decoders = Decoders(1)
    decoders.read(str(photo))
    first = pids(decoders)
    for _ in range(20):
        decoders.read(str(photo))
    assert pids(decoders) == first
    decoders.close()


def test_nothing_large_is_in_it(decoders, photo):
    decoders.read(str(photo))
    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in pids(decoders))
    assert "cv2" in maps
    assert "tensorflow" not in maps
    code = "import sys, page.decoder; print(*{name.split('.')[0] for name in sys.modules})"
    names = subprocess.run(
        [sys.executable, "-c", code], cwd=decoding.ROOT, capture_output=True, text=True
    ).stdout.split()
    assert not {"tensorflow", "keras", "gradio", "matplotlib", "study", "training"} & set(names)
    assert {"page", "explain", "cv2", "PIL"} <= set(names)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("sleeps", "too-costly"),
        ("computes", "too-costly"),
        ("eats", "too-costly"),
        ("dies", "unread"),
        ("leaves", "unread"),
        ("lies", "unread"),
    ],
)
def test_a_reader_that_fails_costs_one_picture_and_the_next_is_read(faulty, photo, name, code, caplog):
    with pytest.raises(PictureError) as caught:
        faulty.read(str(photo.with_name(name)))
    assert caught.value.code == code
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert str(photo.parent) not in caplog.text
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 1
    np.testing.assert_array_equal(faulty.read(str(photo)).pixels, read(photo).pixels)


def test_what_libraries_print_is_no_answer_and_in_no_log(faulty, photo, capfd):
    shouts = photo.with_name("shouts")
    shouts.write_bytes(photo.read_bytes())
    np.testing.assert_array_equal(faulty.read(str(shouts)).pixels, read(photo).pixels)
    assert capfd.readouterr() == ("", "")


def test_time_is_counted_for_each_picture_by_itself(photo):
    """Limits of CPU time count from a process' start; a picture's must not be used up by those before it."""
    slow = FAULTY.replace(
        "return read(path, out)",
        "end = time.process_time() + 0.9\n    while time.process_time() < end: pass\n    return read(path, out)",
    )
    decoders = Decoders(1, (sys.executable, "-c", slow), seconds=2, patience=20, memory=300 * MEGA)
    for _ in range(5):
        decoders.read(str(photo))
    decoders.close()


def test_one_that_was_ended_while_it_was_idle_is_replaced_unnoticed(decoders, photo):
    decoders.start()
    for _ in range(2):
        decoders.read(str(photo))
    for pid in pids(decoders):
        os.kill(pid, signal.SIGKILL)
        while there(pid):
            time.sleep(0.01)
    np.testing.assert_array_equal(decoders.read(str(photo)).pixels, read(photo).pixels)


def test_no_more_at_a_time_than_there_are_processes(photo):
    decoders = Decoders(2)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: decoders.read(str(photo)).pixels, range(40)))
    assert all((pixels == results[0]).all() for pixels in results)
    assert len(pids(decoders)) <= 2
    decoders.close()


def test_a_slow_picture_holds_up_its_own_process_alone(photo):
    decoders = Decoders(2, (sys.executable, "-c", FAULTY), seconds=2, patience=4, memory=300 * MEGA)
    decoders.start()
    decoders.read(str(photo))

    def read_slowly():
        with pytest.raises(PictureError):
            decoders.read(str(photo.with_name("sleeps")))

    slow = threading.Thread(target=read_slowly)
    slow.start()
    began = time.monotonic()
    for _ in range(5):
        decoders.read(str(photo))
    assert slow.is_alive()
    assert time.monotonic() - began < 4
    slow.join()
    decoders.close()


def test_large_pictures_leave_no_memory_behind(tmp_path):
    path = tmp_path / "large.png"
    Image.new("RGB", (7000, 7000), "teal").save(path)
    decoders = Decoders(1)
    assert decoders.read(str(path)).notes == ("shrunk",)
    (pid,) = pids(decoders)
    status = Path(f"/proc/{pid}/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    assert own < 100 * 1024
    decoders.close()


SERVER = """
import sys, time
from page.decoding import Decoders
decoders = Decoders(2, {command}, patience=4)
decoders.start()
decoders.read(sys.argv[1])
print(*[decoder.process.pid for decoder in decoders._taken() if decoder], flush=True)
time.sleep(100)
"""


def there(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_they_die_with_the_server_whatever_it_dies_of(photo):
    for end in (signal.SIGKILL, signal.SIGTERM):
        code = SERVER.format(command="decoding.COMMAND").replace("import sys", "from page import decoding\nimport sys")
        server = subprocess.Popen(
            [sys.executable, "-c", code, str(photo)], cwd=decoding.ROOT, stdout=subprocess.PIPE, text=True
        )
        children = [int(pid) for pid in server.stdout.readline().split()]
        assert len(children) == 2
        assert all(map(there, children))
        server.send_signal(end)
        server.wait()
        until = time.monotonic() + 20
        while any(map(there, children)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(map(there, children))
        server.stdout.close()


def test_where_the_system_has_no_limits_pictures_are_read_here_and_the_log_says_so_once(photo, monkeypatch, caplog):
    monkeypatch.setattr(decoding.sys, "platform", "win32")
    decoders = Decoders()
    decoders.start()
    for _ in range(3):
        np.testing.assert_array_equal(decoders.read(str(photo)).pixels, read(photo).pixels)
    assert pids(decoders) == []
    assert caplog.text.count("does not limit processes") == 1


def test_also_where_it_only_seems_to_have_them(photo, caplog):
    unlimited = "from page import decoder\ndecoder.limit_memory = lambda most: False\n" + FAULTY
    decoders = Decoders(2, (sys.executable, "-c", unlimited))
    for _ in range(3):
        np.testing.assert_array_equal(decoders.read(str(photo)).pixels, read(photo).pixels)
    assert pids(decoders) == []
    assert caplog.text.count("does not limit processes") == 1


def test_one_that_cannot_be_started_is_a_sentence(photo):
    for command in (("/nowhere/python",), (sys.executable, "-c", "raise SystemExit")):
        decoders = Decoders(1, command)
        decoders.start()
        for _ in range(2):
            with pytest.raises(PictureError) as caught:
                decoders.read(str(photo))
            assert caught.value.code == "unread"
        decoders.close()


def test_an_ordinary_photo_costs_little_more_than_in_this_process(decoders, tmp_path):
    """Bound loosely, as the machine may be busy; benchmarks/decoding.py measures it."""
    rows, columns = np.mgrid[:540, :720]
    values = np.stack([rows % 256, columns % 256, (rows + columns) % 256], -1).astype(np.uint8)
    path = tmp_path / "photo.jpg"
    Image.fromarray(values).save(path, quality=90)
    decoders.read(str(path))

    def seconds(reading) -> float:
        spent = []
        for _ in range(15):
            began = time.perf_counter()
            reading(str(path))
            spent.append(time.perf_counter() - began)
        return min(spent)

    assert seconds(decoders.read) - seconds(read) < 0.05


def test_the_visitor_is_told_and_the_next_one_gets_an_answer(faulty, photo, tmp_path, monkeypatch):
    service = Service(tmp_path, tmp_path, examples=tmp_path)
    service._ready.set()
    service.decoders = faulty
    monkeypatch.setattr(service, "checked", lambda *_: ([], "gradcam", "own"))
    monkeypatch.setattr(service, "answer", lambda picture, *_: {"cost": {}, "shape": picture.pixels.shape})
    monkeypatch.setattr(uploads, "uploaded", lambda path: path)
    monkeypatch.setattr(uploads, "digest", lambda path: object())  # each is another one
    for name, code in (
        ("eats", "too-costly"),
        ("dies", "unread"),
        ("computes", "too-costly"),
        ("sleeps", "too-costly"),
    ):
        told = service.ask({"ask": 1, "upload": str(photo.with_name(name))})
        assert (told["kind"], told["code"], told["sentence"].count(".")) == ("error", code, 1)
        assert service.ask({"ask": 2, "upload": str(photo)})["shape"] == (4, 4, 3)
