"""The area of a mask's surface where it passes between eight voxels: surface elements, or surfels.

The centres of 2 x 2 x 2 voxels are the corners of a cube. Where some of them are marked and some are not, the surface
passes through the cube, halfway along every edge from a marked to an unmarked corner (marching cubes: Lorensen &
Cline 1987). Its shape follows from the smaller side: the corners there fall into parts connected by edges, there are
only six kinds of part, and each cuts the cube by a polygon of known triangles. The areas of all 256 cubes are put
together from these six. They equal those of the table in DeepMind's ``surface-distance`` (Nikolov et al. 2021), which
the tests compare.
"""

from collections.abc import Iterator
from functools import cache
from itertools import permutations, product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

CORNERS: npt.NDArray[np.int_] = np.array(
    list(product((0, 1), repeat=3))
)  # (8, 3): corner i of a cube, voxels along (z, y, x)
N_CODES = 256

# A part of each kind: its corners (z, y, x), and the area vectors of its polygon in eighths of a voxel's face. The
# polygon of the last one is not flat; it is cut into triangles as surface-distance does it.
KINDS = (
    (((0, 0, 0),), ((1, 1, 1),)),  # one corner: a triangle
    (((0, 0, 0), (0, 0, 1)), ((4, 4, 0),)),  # an edge: a rectangle
    (((0, 0, 0), (0, 0, 1), (0, 1, 0)), ((4, 0, 0), (3, 3, 3))),  # two edges that meet: a triangle and a trapezium
    (((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)), ((8, 0, 0),)),  # a face: a square
    (((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)), ((6, 6, 6),)),  # a corner and its three neighbours: a hexagon
    (((0, 1, 1), (1, 1, 1), (1, 1, 0), (1, 0, 0)), ((0, 2, 2), (2, 0, 2), (4, 4, 4))),  # a chain: a bent hexagon
)


def surfel_areas(spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Return the area of the surface inside each of the 256 cubes of marked and unmarked corners, (256,), mm2.

    Parameters
    ----------
    spacing_mm
        Spacing along (z, y, x), mm.

    Returns
    -------
    Bit i of a cube's number is set where corner i, in the order of `CORNERS`, is marked; 0 for the first and the
    last cube, which lie outside and inside.

    Examples
    --------
    Cube 1 has one marked corner: a triangle with sides of half a face's diagonal. Cube 15 has one marked face.

    >>> surfel_areas((1.0, 1.0, 1.0))[[0, 1, 15, 255]].round(4)
    array([0.    , 0.2165, 1.    , 0.    ])
    """
    codes, vectors = _area_vectors()
    z, y, x = spacing_mm
    areas = np.sqrt(((vectors * (y * x, z * x, z * y)) ** 2).sum(axis=1))
    return np.asarray(np.bincount(codes, areas, N_CODES), np.float64)


@cache
def _area_vectors() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the number of a cube (T,) and the area vector in voxel faces (T, 3) of all pieces of surface."""
    polygons = dict(_placed_kinds())
    rows = [(code, vector) for code in range(N_CODES) for part in _parts(code) for vector in polygons[part]]
    return np.array([code for code, _ in rows]), np.array([vector for _, vector in rows]) / 8


def _placed_kinds() -> Iterator[tuple[int, npt.NDArray[np.int_]]]:
    """Yield each kind of part in its 48 orientations: the number of its cube, its area vectors without their signs."""
    for corners, vectors in KINDS:
        for axes, flips in product(permutations(range(3)), product((0, 1), repeat=3)):
            placed = np.array(corners)[:, axes] ^ flips
            yield int((1 << placed @ (4, 2, 1)).sum()), np.array(vectors)[:, axes]


def _parts(code: int) -> Iterator[int]:
    """Yield the parts of the smaller side of a cube, each as the number of the cube that it would be alone."""
    marked = (code >> np.arange(8) & 1).astype(bool)
    side = marked if marked.sum() <= 4 else ~marked
    labels, n_parts = ndimage.label(side.reshape(2, 2, 2))
    for part in range(1, n_parts + 1):
        yield int((1 << np.flatnonzero(labels == part)).sum())
