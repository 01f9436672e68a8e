"""A pair of digits, taken from a data set and resized; and how arrays are kept.

`digits.npz` holds a whole data set as uint8; a prepared file holds one pair at one size as float32.
"""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lazyadv.errors import UserError
from lazyadv.files import SealError, read_sealed, write_sealed


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
