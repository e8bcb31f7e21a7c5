"""How the field of a random scan maps into a mouse: turned, tilted, its section bent, softly deformed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.phantom.shapes import Array, Field, Grid, Point, smooth_field

MOST_BEND_MM = 8.0  # the section of a mouse is bent by no more, however wide its limbs
LATTICE_VOXELS = 4  # the deformation is smooth: it is known at every fourth voxel, and linear between


@dataclass(frozen=True)
class Warp:
    """Turns places of the scanner's field into places of a mouse's own field, both (z, y, x), mm.

    In its own field a mouse lies with its nose towards high z, its left towards high y, its belly towards high x.

    Attributes
    ----------
    at_mm
        Where in the scanner's field the mouse's middle lies.
    middle_mm
        That middle in the mouse's own field.
    turn_deg
        About the body axis: at 90 the belly points to low y, at 270 to high y.
    tilt_deg
        Of the body axis, towards y and towards x.
    head_first
        Whether the nose points towards low z.
    bend_per_mm
        How much the belly of a section is bent up at its sides: mm per mm2 from its middle.
    stretch
        Size of the mouse along its own z, y and x, relative to how it is painted.
    soft_mm, soft_length_mm, seed
        SD and length of a soft random deformation.
    """

    at_mm: Point
    middle_mm: Point
    turn_deg: float = 90.0
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    head_first: bool = False
    bend_per_mm: float = 0.0
    stretch: Point = (1.0, 1.0, 1.0)
    soft_mm: float = 0.0
    soft_length_mm: float = 12.0
    seed: int = 0

    @cached_property
    def matrix(self) -> Array:
        """Return the (3, 3) matrix from ways in the scanner's field to ways in the mouse's."""
        turn, (down, right) = np.radians(self.turn_deg), np.radians(self.tilt_deg)
        sine, cosine = np.sin(turn), np.cos(turn)
        turned = np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
        sheared = np.array([[1, -np.sin(down), -np.sin(right)], [np.sin(down), 1, 0], [np.sin(right), 0, 1]])
        flip = np.diag([-1.0, -1.0, 1.0]) if self.head_first else np.eye(3)
        matrix: Array = np.diag(1 / np.asarray(self.stretch)) @ flip @ turned @ sheared
        return matrix

    def own_places(self, grid: Grid) -> Field:
        """Return where each voxel of a grid lies in the mouse's own field, shape (3, z, y, x), mm."""
        ways = [axis - np.float32(at) for axis, at in zip(grid.axes(), self.at_mm, strict=True)]
        places = np.empty((3, *grid.shape), dtype=np.float32)
        for own, row in enumerate(self.matrix.astype(np.float32)):
            np.add(row[0] * ways[0] + row[1] * ways[1], row[2] * ways[2], out=places[own])
        if self.soft_mm:
            for own, shift in enumerate(self.soft_shifts(grid)):
                places[own] += shift
        if self.bend_per_mm:
            bend = np.float32(self.bend_per_mm) * places[1] ** 2
            places[2] -= bend / (1 + np.abs(bend) / np.float32(MOST_BEND_MM))
        places += np.asarray(self.middle_mm, dtype=np.float32).reshape(3, 1, 1, 1)
        return places

    def soft_shifts(self, grid: Grid) -> list[Field]:
        """Return the soft deformation along the mouse's z, y and x on a grid, mm."""
        rng = np.random.default_rng([self.seed, 1])
        lengths = (1.6 * self.soft_length_mm, self.soft_length_mm, self.soft_length_mm)
        step = grid.spacing_mm * LATTICE_VOXELS
        first = [int(np.floor(at / step)) for at in grid.origin_mm]
        last = [
            int(np.ceil((at + grid.spacing_mm * (size - 1)) / step)) + 1
            for at, size in zip(grid.origin_mm, grid.shape, strict=True)
        ]
        z, y, x = (size - at + 1 for at, size in zip(first, last, strict=True))
        lattice = Grid((z, y, x), step, (first[0] * step, first[1] * step, first[2] * step))
        return [
            refined(np.float32(self.soft_mm) * smooth_field(lattice, lengths, rng=rng), lattice, grid) for _ in range(3)
        ]

    def field_place(self, own_mm: npt.ArrayLike) -> Array:
        """Return where in the scanner's field a place of the mouse's own field lies, by iteration, (z, y, x), mm."""
        wanted = np.asarray(own_mm, dtype=np.float64)
        back = np.linalg.inv(self.matrix)
        place = np.asarray(self.at_mm) + back @ (wanted - self.middle_mm)
        for _ in range(12):
            z, y, x = place
            got = self.own_places(Grid((1, 1, 1), 1e-3, (float(z), float(y), float(x))))[:, 0, 0, 0]
            place = place + 0.8 * (back @ (wanted - got))
        return place


def refined(values: Field, lattice: Grid, grid: Grid) -> Field:
    """Return values known on a lattice, linearly between its points, on a finer grid within it."""
    for axis, (line, start) in enumerate(zip(grid.axes(), lattice.origin_mm, strict=True)):
        at = (line.ravel().astype(np.float64) - start) / lattice.spacing_mm
        low = np.clip(np.floor(at).astype(int), 0, values.shape[axis] - 2)
        share = (at - low).astype(np.float32).reshape([-1 if own == axis else 1 for own in range(3)])
        lower = np.take(values, low, axis=axis)
        values = lower + share * (np.take(values, low + 1, axis=axis) - lower)
    return values


def sampled(values: npt.NDArray[np.float32], own: Grid, places: Field, outside: float) -> Field:
    """Return values known on a grid of the mouse's own field at places (3, ...) of it, linearly between voxels."""
    found: Field = ndimage.map_coordinates(values, indices(own, places), order=1, cval=outside, prefilter=False)
    return found


def nearest(labels: npt.NDArray[np.uint8], own: Grid, places: Field) -> npt.NDArray[np.uint8]:
    """Return labels known on a grid of the mouse's own field at places (3, ...) of it; 0 outside."""
    found: npt.NDArray[np.uint8] = ndimage.map_coordinates(labels, indices(own, places), order=0, prefilter=False)
    return found


def indices(own: Grid, places: Field) -> Field:
    """Return places (3, ...), mm, as voxels of a grid."""
    origin = np.asarray(own.origin_mm, dtype=np.float32).reshape(3, *[1] * (places.ndim - 1))
    found: Field = (places - origin) / np.float32(own.spacing_mm)
    return found
