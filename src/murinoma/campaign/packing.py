"""Masks and labels as few bytes: the box of what is marked, a bit or a byte per voxel, zlib."""

import hashlib
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError, InputError

Array = npt.NDArray[Any]

START = struct.Struct("<cB")  # kind, number of axes
AXIS = struct.Struct("<III")  # length, first, one after the last
BITS, BYTES = b"?", b"B"


def pack(marked: Array) -> bytes:
    """Return a bool or uint8 array as bytes that `unpack` turns back.

    Raises
    ------
    InputError
        If it is of another type, or an axis has no length.

    Examples
    --------
    >>> mask = np.zeros((192, 192), dtype=bool)
    >>> mask[80:100, 60:70] = True
    >>> len(pack(mask)), bool((unpack(pack(mask)) == mask).all())
    (38, True)
    """
    if marked.dtype not in (np.bool_, np.uint8) or 0 in marked.shape or marked.ndim == 0:
        raise InputError(
            f"only masks (bool) and labels (uint8) can be stored, not {marked.dtype} of shape {marked.shape}"
        )
    box = marked_box(marked)
    inside = marked[box]
    kind = BITS if marked.dtype == np.bool_ else BYTES
    content = np.packbits(inside).tobytes() if kind == BITS else inside.tobytes()
    axes = (AXIS.pack(n, part.start, part.stop) for n, part in zip(marked.shape, box, strict=True))
    return START.pack(kind, marked.ndim) + b"".join(axes) + zlib.compress(content, 1)


def unpack(packed: bytes) -> Array:
    """Return the array that was packed.

    Raises
    ------
    FileError
        If the bytes are damaged.
    """
    try:
        kind, n_axes = START.unpack_from(packed)
        axes = [AXIS.unpack_from(packed, START.size + i * AXIS.size) for i in range(n_axes)]
        content = np.frombuffer(zlib.decompress(packed[START.size + n_axes * AXIS.size :]), np.uint8)
        inside = tuple(stop - first for _, first, stop in axes)
        if kind == BITS:
            content = np.unpackbits(content, count=int(np.prod(inside))).view(np.bool_)
        whole: Array = np.zeros([length for length, _, _ in axes], content.dtype)
        whole[tuple(slice(first, stop) for _, first, stop in axes)] = content.reshape(inside)
    except (struct.error, zlib.error, ValueError) as error:
        raise FileError(f"a stored mask is damaged ({error}); take the store from your backup") from error
    return whole


def as_labels(labels: Array) -> npt.NDArray[np.uint8]:
    """Return labels as uint8.

    Raises
    ------
    InputError
        If they are anything but whole numbers from 0 to 255.
    """
    if labels.dtype == np.uint8:
        return labels
    if labels.dtype.kind not in "biu" or labels.min() < 0 or labels.max() > 255:
        raise InputError(
            f"labels are whole numbers from 0 to 255, not {labels.dtype} from {labels.min()} to {labels.max()}"
        )
    return labels.astype(np.uint8)


def labels_sha256(labels: npt.NDArray[np.uint8]) -> str:
    """Return the SHA-256 of labels, voxel by voxel, x fastest: the same for a file that holds them."""
    return hashlib.sha256(np.ascontiguousarray(labels).data).hexdigest()


def marked_box(marked: Array) -> tuple[slice, ...]:
    """Return the box of all that is not 0; where there is nothing, an empty one."""
    box: list[slice] = []
    for axis in range(marked.ndim):
        inside = marked[tuple(box)]  # the axes before are cropped already
        others = tuple(other for other in range(marked.ndim) if other != axis)
        places = np.flatnonzero(inside.any(axis=others))
        box.append(slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0))
    return tuple(box)
