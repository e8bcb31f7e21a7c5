"""Grids over one field of view: values carried from one to another, edge on edge, without a shift.

Two grids of a scan cover the same millimetres: the outer edges of their first and last voxels coincide, whatever
the number of voxels. So there is no origin to lose, and there and back ends on the grid it started from.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from murinoma.numerics.boxes import Box

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]
Floats = npt.NDArray[np.float32]

SAME_SPACING = 0.02  # relative: an image of 0.206 mm is worked on as it is where 0.21 mm is asked


@dataclass(frozen=True)
class Grid:
    """Voxels along (z, y, x), and the millimetres that they cover together."""

    shape: Shape
    extent_mm: Spacing

    @property
    def spacing_mm(self) -> Spacing:
        """Distance of voxel centres, mm."""
        z, y, x = (extent / size for extent, size in zip(self.extent_mm, self.shape, strict=True))
        return z, y, x

    @property
    def whole(self) -> Box:
        """The box of all voxels."""
        z, y, x = (slice(0, size) for size in self.shape)
        return z, y, x


def image_grid(shape: Shape, spacing_mm: Spacing) -> Grid:
    """Return the grid of an image."""
    z, y, x = (size * step for size, step in zip(shape, spacing_mm, strict=True))
    return Grid(shape, (z, y, x))


def grid_at(grid: Grid, spacing_mm: float) -> Grid:
    """Return the grid over the same field whose voxels come closest to `spacing_mm`.

    An axis keeps its voxels where they have that spacing already, within 2 %.

    Examples
    --------
    >>> scan = image_grid((450, 192, 192), (0.21, 0.21, 0.21))
    >>> grid_at(scan, 0.84).shape, grid_at(scan, 0.206).shape
    ((112, 48, 48), (450, 192, 192))
    """
    z, y, x = (
        size if abs(own / spacing_mm - 1) <= SAME_SPACING else max(1, round(size * own / spacing_mm))
        for size, own in zip(grid.shape, grid.spacing_mm, strict=True)
    )
    return Grid((z, y, x), grid.extent_mm)


def covering_box(box: Box, source: Grid, target: Grid) -> Box:
    """Return the smallest box of `target` that covers a box of `source`.

    Examples
    --------
    Voxels 1 and 2 of 0.84 mm are voxels 4 to 11 of 0.21 mm.

    >>> covering_box((slice(1, 3),) * 3, Grid((4, 4, 4), (3.36,) * 3), Grid((16, 16, 16), (3.36,) * 3))[0]
    slice(4, 12, None)
    """
    z, y, x = (
        slice(axis.start * new // old, -(-axis.stop * new // old))
        for axis, old, new in zip(box, source.shape, target.shape, strict=True)
    )
    return z, y, x


def carry(values: npt.NDArray[Any], held: Box, source: Grid, target: Grid, wanted: Box) -> Floats:
    """Return values of one grid on another: means over coarser voxels, linear between centres for finer ones.

    Parameters
    ----------
    values
        Array of the shape of `held`, any real dtype.
    held
        Where in `source` the values lie; elsewhere there is 0.
    source, target
        Two grids over the same field.
    wanted
        The box of `target` that is asked for.

    Returns
    -------
    float32 array of the shape of `wanted`.

    Examples
    --------
    >>> row = np.array([0.0, 0.0, 4.0, 4.0]).reshape(1, 1, 4)
    >>> fine, coarse = Grid((1, 1, 4), (1, 1, 4)), Grid((1, 1, 2), (1, 1, 4))
    >>> carry(row, fine.whole, fine, coarse, coarse.whole).ravel().tolist()
    [0.0, 4.0]
    """
    result: npt.NDArray[Any] = values
    for axis in range(3):
        n_from, n_to = source.shape[axis], target.shape[axis]
        if n_from == n_to and held[axis] == wanted[axis]:
            continue
        weights = axis_weights(n_from, n_to)[wanted[axis], held[axis]]
        result = _along(weights, result, axis)
    return np.ascontiguousarray(result, dtype=np.float32)


def axis_weights(n_from: int, n_to: int) -> sparse.csr_array:
    """Return the weights, (n_to, n_from) float32, that carry an axis of `n_from` voxels to `n_to` voxels.

    Every row adds up to 1.

    Examples
    --------
    >>> axis_weights(3, 2).toarray().astype(float).round(2).tolist()
    [[0.67, 0.33, 0.0], [0.0, 0.33, 0.67]]
    >>> axis_weights(2, 4).toarray().tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    return _mean_weights(n_from, n_to) if n_to <= n_from else _linear_weights(n_from, n_to)


def _mean_weights(n_from: int, n_to: int) -> sparse.csr_array:
    """Return the share of each coarse voxel that lies in each fine one."""
    ratio = n_from / n_to
    first = np.arange(n_to) * ratio
    reach = int(np.ceil(ratio)) + 1
    columns = np.floor(first).astype(int)[:, None] + np.arange(reach)
    overlap = np.minimum(columns + 1, (first + ratio)[:, None]) - np.maximum(columns, first[:, None])
    shares = np.clip(overlap, 0, None) / ratio
    shares[shares < 1e-9] = 0  # rounding, where edges coincide
    return _rows(shares, np.minimum(columns, n_from - 1), n_from)


def _linear_weights(n_from: int, n_to: int) -> sparse.csr_array:
    """Return the weights of the two nearest centres; beyond the outermost centre its own value counts."""
    at = np.clip((np.arange(n_to) + 0.5) * n_from / n_to - 0.5, 0, n_from - 1)
    lower = np.minimum(np.floor(at).astype(int), max(n_from - 2, 0))
    upper = np.minimum(lower + 1, n_from - 1)
    share = at - lower
    return _rows(np.stack([1 - share, share], axis=1), np.stack([lower, upper], axis=1), n_from)


def _rows(weights: npt.NDArray[np.float64], columns: npt.NDArray[np.intp], n_from: int) -> sparse.csr_array:
    """Return a sparse matrix from the weights and columns of each row."""
    n_to, per_row = weights.shape
    rows = np.repeat(np.arange(n_to), per_row)
    matrix = sparse.coo_array((weights.ravel().astype(np.float32), (rows, columns.ravel())), shape=(n_to, n_from))
    matrix.eliminate_zeros()
    return matrix.tocsr()


def _along(weights: sparse.csr_array, values: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    """Return the weights applied to one axis."""
    turned = np.moveaxis(values, axis, 0)
    flat = weights @ turned.reshape(len(turned), -1).astype(np.float32, copy=False)
    return np.moveaxis(flat.reshape(weights.shape[0], *turned.shape[1:]), 0, axis)
