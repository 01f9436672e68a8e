"""Fetching from real servers on loopback, good and bad."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import os
import socketserver
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import serving
from project import Project

from lazyadv import data, digits

NAMES = ("train-images", "train-labels", "test-images", "test-labels")


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, list[tuple[str, str, int]], list[np.ndarray]]:
    """A folder with four small IDX files, their names, MD5s and sizes, and what is in them."""
    generator = np.random.default_rng(0)
    arrays = []
    for count in (12, 6):
        arrays += [generator.integers(0, 256, (count, 28, 28)), np.arange(count) % 3]
    folder = tmp_path / "mirror"
    folder.mkdir()
    files = []
    for name, array in zip(NAMES, arrays, strict=True):
        content = idx(array)
        (folder / name).write_bytes(content)
        files.append((name, hashlib.md5(content).hexdigest(), len(content)))
    return folder, files, arrays


Small = tuple[Path, list[tuple[str, str, int]], list[np.ndarray]]


def check(found: dict[str, np.ndarray], arrays: list[np.ndarray]) -> None:
    for part, array in zip(digits.PARTS, arrays, strict=True):
        assert np.array_equal(found[part], array)


def test_from_a_server_and_from_a_folder(small: Small) -> None:
    folder, files, arrays = small
    with serving(folder) as address:
        check(digits.mnist([address], files), arrays)
    check(digits.mnist([folder.as_uri()], files), arrays)


def test_the_next_mirror_steps_in(small: Small, tmp_path: Path) -> None:
    """A mirror may be missing, truncate, lie, or answer an error page with status 200."""
    folder, files, arrays = small
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / NAMES[0]).write_bytes(b"<html>403 Forbidden</html>")
    (bad / NAMES[1]).write_bytes((folder / NAMES[1]).read_bytes()[:-7])
    (bad / NAMES[2]).write_bytes(idx(arrays[2][::-1]))
    with serving(bad) as worse, serving(folder) as better:
        check(digits.mnist(["http://127.0.0.1:9/", "nonsense", worse, better], files), arrays)
        with pytest.raises(data.DataError) as error:
            digits.mnist(["http://127.0.0.1:9/", worse], files)
    for text in (f"http://127.0.0.1:9/{NAMES[0]}", f"{worse}{NAMES[0]}", "LAZYADV_MNIST_MIRROR", "preset=quick"):
        assert text in str(error.value)


def test_a_mirror_that_hangs_is_given_up(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never answers, and one that sends a byte now and then."""
    folder, files, arrays = small
    done = threading.Event()

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            done.wait(20)

    class Trickling(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not done.wait(0.05):
                self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(digits, "STALL", 0.3)
    monkeypatch.setattr(digits, "PATIENCE", 0.5)
    for handler in (Silent, Trickling):
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            check(digits.mnist([f"http://127.0.0.1:{server.server_address[1]}", folder.as_uri()], files), arrays)
            done.set()
            server.shutdown()
            done.clear()


def test_no_more_is_taken_than_the_file_has(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a server that sends without end, or from a large file; the line says so, and the next mirror is tried."""
    monkeypatch.setattr(digits, "PATIENCE", 2)
    folder, files, arrays = small
    (tmp_path / "large").mkdir()
    with (tmp_path / "large" / NAMES[0]).open("wb") as file:
        file.truncate(1 << 28)

    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 << 16))

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Endless) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bad = [f"http://127.0.0.1:{server.server_address[1]}", (tmp_path / "large").as_uri()]
        check(digits.mnist([*bad, folder.as_uri()], files), arrays)
        with pytest.raises(data.DataError) as error:
            digits.mnist(bad, files)
        server.shutdown()
    for mirror in bad:
        assert f"{mirror}/{NAMES[0]}: more came than the {files[0][2]:,} bytes of that file" in str(error.value)


def test_mirrors_are_named_with_blanks_between_and_within(small: Small, tmp_path: Path) -> None:
    folder, files, arrays = small
    assert digits.addresses("") == []
    assert digits.addresses(" https://a/b\nfile:///c d/e  http://f ") == ["https://a/b", "file:///c d/e", "http://f"]
    folder = folder.rename(tmp_path / "with a blank")
    for named in (f"file://{folder}", folder.as_uri()):
        check(digits.mnist(digits.addresses(named), files), arrays)


def test_after_a_mirror_that_died_midway_the_next_attempt_begins_anew(small: Small) -> None:
    """The stage is given the first file and half of the second, and then nothing; it keeps none of it."""
    folder, files, arrays = small
    whole = (folder / NAMES[1]).read_bytes()
    requests = []

    class Dying(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            if len(requests) != 2:
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Dying, directory=str(folder))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(data.DataError, match=NAMES[1]):
            digits.mnist([mirror], files)
        check(digits.mnist([mirror], files), arrays)
        server.shutdown()
    assert len(requests) == 6


def test_a_folder_that_is_none_is_named(project: Project, tmp_path: Path) -> None:
    """Missing; a file; folders or pipes where the files should be. None is read, none is waited for."""
    (tmp_path / "file").write_text("no folder")
    for kind in ("folders", "pipes"):
        (tmp_path / kind).mkdir()
    (tmp_path / "folders" / digits.FILES[0][0]).mkdir()
    os.mkfifo(tmp_path / "pipes" / digits.FILES[0][0])
    (tmp_path / digits.FILES[0][0]).symlink_to("/dev/zero")
    mirrors = [(tmp_path / name).as_uri() for name in ("missing", "file", "folders", "pipes", ".")]
    closed = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = project.run("python", "stages/fetch.py", "mnist", ok=False, LAZYADV_MNIST_MIRROR=" ".join(mirrors), **closed)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for mirror in mirrors:
        assert f"{mirror}/{digits.FILES[0][0]}: " in done.stderr
    assert [path.name for path in (project.root / "data").rglob("*") if path.is_file()] == ["README.md"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"not gzip at all", "gzip"),
        (gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 9]) + b"123"), "header"),
        (gzip.compress(bytes([0, 0, 8, 200, 0, 0])), "header"),
        (gzip.compress(bytes([0, 0, 13, 1, 0, 0, 0, 1, 7])), "header"),
        (gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12), "header"),
        (gzip.compress(b""), "header"),
        (gzip.compress(b"whole")[:-3], "gzip"),
        (gzip.compress(bytes(digits.LARGEST + 1)), "more than"),
    ],
    ids=[
        "no gzip",
        "short",
        "rank",
        "type",
        "shape",
        "empty",
        "cut",
        "bomb",
    ],  # gzip writes the time, so that bytes are no name
)
def test_a_file_that_lies_is_named(small: Small, content: bytes, what: str) -> None:
    folder, files, _ = small
    (folder / NAMES[0]).write_bytes(content)
    files[0] = (NAMES[0], hashlib.md5(content).hexdigest(), len(content))
    with pytest.raises(data.DataError, match=f"{NAMES[0]}.*{what}"):
        digits.mnist([folder.as_uri()], files)


def test_without_a_network_paper_says_both_ways_out_and_leaves_nothing(project: Project) -> None:
    closed = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = project.run("snakemake", "--cores", "1", "data/mnist/digits.npz", ok=False, **closed)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    for text in ("ossci-datasets", "LAZYADV_MNIST_MIRROR", "--config preset=quick"):
        assert text in said
    assert "Traceback" not in said
    assert [path.name for path in (project.root / "data").rglob("*") if path.is_file()] == ["README.md"]


def test_official_files_are_whole(official_mnist: Path) -> None:
    with serving(official_mnist) as address:
        found = digits.mnist([address])
    split = data.prepare(found, (0, 1), 5, antialias=False)
    assert (split.x_train.shape, split.x_test.shape) == ((12665, 25), (2115, 25))
    assert np.array_equal(np.unique(split.y_train), [-1, 1])
    assert (split.y_train < 0).sum() == 5923  # the zeros, which come first
