"""Subcutaneous tumors: where they sit, how they bulge, their exact voxels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import InputError
from murinoma.phantom.body import Body, as_point
from murinoma.phantom.shapes import Array, Box, Field, Grid, Point, coverage, rounded_maximum, smooth_field

COVER_MM = 0.55  # skin with a little fat over a tumor
BONE_SHARE = 0.05  # a voxel with more bone than this belongs to no tumor


@dataclass(frozen=True)
class Tumor:
    """One lesion of a mouse, the same on every day; only its volume changes.

    Attributes
    ----------
    side
        1 on the animal's left, -1 on its right.
    along
        Share of the body length from the tail base.
    angle_deg
        Around the axis: 0 at the flank, 90 at the belly.
    embedded
        Share of its thickness under the surface of the body, until the body wall stops it.
    wall_mm
        Depth of the body wall (abdominal muscle, ribs): a tumor spreads on it and grows outwards, not further in.
    stretch
        Radii along the body, around it and outwards, relative to a ball of the same volume; their product is 1.
    lumpiness
        SD of the surface, share of the radius.
    necrosis
        Share of the radius that is a necrotic core, 0 for none.
    hu
        Of living tumor; the core is darker by `core_drop_hu`.
    seed
        Of its lumps.
    """

    side: int
    along: float
    angle_deg: float = 20.0
    embedded: float = 0.45
    wall_mm: float = 3.4
    stretch: Point = (1.1, 1.05, 0.866)
    lumpiness: float = 0.05
    necrosis: float = 0.0
    hu: float = 44.0
    core_drop_hu: float = 28.0
    seed: int = 0


@dataclass(frozen=True)
class Lesion:
    """A tumor of a certain volume in its place: how deep each voxel of its box lies in it, mm, negative outside."""

    tumor: Tumor
    centre_mm: Point
    box: Box
    depth: Field
    radius_mm: float

    @property
    def voxels(self) -> npt.NDArray[np.bool_]:
        """The voxels of the tumor in its box."""
        inside: npt.NDArray[np.bool_] = self.depth > 0
        return inside


def ball_radius_mm(volume_mm3: float) -> float:
    """Return the radius of a ball, mm."""
    return float((0.75 * volume_mm3 / np.pi) ** (1 / 3))


def tumor_frame(body: Body, tumor: Tumor, volume_mm3: float) -> tuple[Array, Array, Array]:
    """Return a tumor's centre (z, y, x), its three axes (rows: along, around, outwards) and its radii, mm."""
    width, back, belly, drop = body.sizes(tumor.along)
    sine, cosine = np.sin(np.radians(tumor.angle_deg)), np.cos(np.radians(tumor.angle_deg))
    surface = 1 / np.hypot(cosine / width, sine / (belly if sine > 0 else back))
    radii = ball_radius_mm(volume_mm3) * np.asarray(tumor.stretch)
    inwards = min(2 * radii[2] * tumor.embedded, tumor.wall_mm)
    out = surface + radii[2] - inwards
    points = body.place([(tumor.along, tumor.side * r * cosine, drop + r * sine) for r in (out, out + 1)])
    outwards = points[1] - points[0]
    along = np.array([1.0, 0.0, 0.0])
    return points[0], np.stack([along, np.cross(along, outwards), outwards]), radii


def tumor_corners(body: Body, tumor: Tumor, volume_mm3: float) -> tuple[Array, Array]:
    """Return the lowest and the highest (z, y, x), mm, that a tumor of this volume and the skin over it can reach."""
    centre, axes, radii = tumor_frame(body, tumor, volume_mm3)
    reach = np.sqrt(((axes * radii[:, None]) ** 2).sum(axis=0)) * (1 + 4 * tumor.lumpiness) + COVER_MM
    return centre - reach, centre + reach


def lesion(body: Body, tumor: Tumor, volume_mm3: float, under_skin: Field, bone: Field, grid: Grid) -> Lesion:
    """Return a tumor in its place with exactly its volume: to half a voxel, and a few voxels that bone cuts off.

    It spares bone and what lies under the body wall, and grows elsewhere instead; so does one that the
    field of view would cut.

    Parameters
    ----------
    body, tumor, volume_mm3
        The mouse as it lies, and its tumor with its volume, mm3.
    under_skin, bone
        Depth of each voxel under the skin without the tumor, mm, and its share of bone.
    grid
        Voxels of both.

    Raises
    ------
    InputError
        If there is no room for it in the field of view.
    """
    low, high = tumor_corners(body, tumor, volume_mm3)
    box = grid.box(low - 1.5, high + 1.5)
    centre, axes, radii = tumor_frame(body, tumor, volume_mm3)
    share = lumpy_radius(grid.part(box), centre, axes, radii, tumor)
    above_wall = np.where(bone[box] > BONE_SHARE, np.float32(-1), np.float32(tumor.wall_mm) - under_skin[box])
    room = share[above_wall > 0]
    wanted = max(1, round(volume_mm3 / grid.spacing_mm**3))
    if room.size <= wanted:
        raise InputError(f"a tumor of {volume_mm3:.0f} mm3 has no room in the field of view at {as_point(centre)} mm")
    limit = np.partition(room, (wanted - 1, wanted))[wanted - 1 : wanted + 1].mean()
    radius = ball_radius_mm(volume_mm3)
    depth = in_one_piece(np.minimum((np.float32(limit) - share) * np.float32(radius), above_wall))
    return Lesion(tumor, as_point(centre), box, depth, radius)


def in_one_piece(depth: Field) -> Field:
    """Return the depth of the largest piece alone: bone and body wall may cut off a few voxels."""
    pieces, count = ndimage.label(depth > 0)
    if count < 2:
        return depth
    largest = 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    kept: Field = np.where((pieces == 0) | (pieces == largest), depth, np.float32(-0.01))
    return kept


def lumpy_radius(part: Grid, centre: Array, axes: Array, radii: Array, tumor: Tumor) -> Field:
    """Return each voxel's distance to a tumor's centre, in tumor radii, with the lumps of its surface."""
    offsets = [axis - np.float32(at) for axis, at in zip(part.axes(), centre, strict=True)]
    squared = np.zeros(part.shape, dtype=np.float32)
    for direction, radius in zip(axes, radii, strict=True):
        step = (direction / radius).astype(np.float32)
        squared += (offsets[0] * step[0] + offsets[1] * step[1] + offsets[2] * step[2]) ** 2
    size = float(np.cbrt(np.prod(radii)))
    rng = np.random.default_rng(tumor.seed)
    lumps = smooth_field(part, (0.7 * size, 0.7 * size, 0.7 * size), rng=rng, anchor_mm=as_point(centre))
    share: Field = np.sqrt(squared) - np.float32(tumor.lumpiness) * lumps
    return share


def bulge(depth: Field, found: Lesion) -> None:
    """Lift the skin over a tumor: the body's depth (mm, positive inside) grows by it, in place."""
    cover = found.depth + np.float32(COVER_MM)
    depth[found.box] = rounded_maximum(depth[found.box], cover, 1.2)


def paint_lesion(hu: Field, found: Lesion, spacing_mm: float) -> None:
    """Paint a tumor with its necrotic core over the tissue, in place."""
    tumor = found.tumor
    core = np.clip((found.depth - np.float32((1 - tumor.necrosis) * found.radius_mm)) / np.float32(0.8), 0, 1)
    own = np.float32(tumor.hu) - np.float32(tumor.core_drop_hu) * (core if tumor.necrosis else np.float32(0))
    hu[found.box] += coverage(found.depth, spacing_mm) * (own - hu[found.box])
