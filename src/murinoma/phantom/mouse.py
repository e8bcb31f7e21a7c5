"""A whole mouse with its tumors: drawn by chance, then painted on a grid with the truth beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from murinoma.phantom.body import Body, Build, Pose, body_depth, flesh, soft_tissue
from murinoma.phantom.organs import paint_organs
from murinoma.phantom.shapes import Array, Box, Field, Grid, corners
from murinoma.phantom.skeleton import bones, paint_bones
from murinoma.phantom.tumors import Lesion, Tumor, bulge, lesion, paint_lesion, tumor_corners

FIELD_MM = (97.44, 40.32, 40.32)  # 464 x 192 x 192 voxels of 0.21 mm, as the published scans
MARGIN_MM = 1.0
BONY = 0.5  # with more bone than this a voxel is body: toes have hardly any flesh


@dataclass(frozen=True)
class Mouse:
    """What stays the same in one animal from day to day: its build and the sites of its tumors."""

    build: Build = field(default_factory=Build)
    tumors: tuple[Tumor, ...] = ()


@dataclass(frozen=True)
class PaintedMouse:
    """A mouse on a grid: HU as they are (float32, neither blurred nor clipped), tumor numbers, and where in the grid.

    `body` is all that lies under the skin, air in lungs and gut included. The arrays cover `box` of the grid;
    outside it there is air and no mouse.
    """

    hu: Field
    labels: npt.NDArray[np.uint8]
    body: npt.NDArray[np.bool_]
    box: Box


def field_grid(spacing_mm: float) -> Grid:
    """Return the grid of one cropped mouse: 97.4 x 40.3 x 40.3 mm (z, y, x) in voxels of `spacing_mm`."""
    z, y, x = (round(extent / spacing_mm) for extent in FIELD_MM)
    return Grid((z, y, x), spacing_mm)


def draw_build(*, rng: np.random.Generator) -> Build:
    """Return the build of a mouse, as varied as young athymic mice."""
    return Build(
        length_mm=float(np.clip(rng.normal(84.0, 1.6), 80.0, 87.0)),
        girth=float(np.clip(rng.normal(1.0, 0.035), 0.92, 1.08)),
        belly=float(np.clip(rng.normal(1.0, 0.05), 0.9, 1.12)),
        fat_mm=float(rng.uniform(0.25, 0.9)),
        muscle_hu=float(rng.normal(55.0, 4.0)),
        texture_seed=int(rng.integers(2**31)),
    )


def draw_pose(*, rng: np.random.Generator) -> Pose:
    """Return how a mouse lies on one day."""
    hind_left, hind_right, fore_left, fore_right = (float(value) for value in rng.normal(0.0, 1.5, 4))
    return Pose(
        bend_mm=float(rng.normal(0.0, 0.8)),
        arch_mm=float(rng.normal(0.3, 0.3)),
        roll_deg=float(np.clip(rng.normal(0.0, 3.0), -7.0, 7.0)),
        limbs_mm=(hind_left, hind_right, fore_left, fore_right),
    )


def centred(mouse: Mouse, pose: Pose, volumes_mm3: Sequence[float], grid: Grid) -> Pose:
    """Return the pose moved so that trunk and tumors together lie in the middle of the grid's section."""
    low, high = reach(Body(mouse.build, replace(pose, centre_mm=(0.0, 0.0))), mouse.tumors, volumes_mm3)
    middle = [
        at + grid.spacing_mm * (size - 1) / 2 for at, size in zip(grid.origin_mm[1:], grid.shape[1:], strict=True)
    ]
    y, x = (float(value) for value in middle - (low + high)[1:] / 2)
    return replace(pose, centre_mm=(y, x))


def reach(body: Body, tumors: Sequence[Tumor], volumes_mm3: Sequence[float]) -> tuple[Array, Array]:
    """Return the lowest and the highest (z, y, x), mm, of a mouse with its tumors."""
    shares = np.linspace(0, 1, 50)
    width, back, belly, drop = body.sizes(shares).T
    trunk = [
        body.place(np.stack([shares, side * width, drop + depth], axis=-1))
        for side in (-1, 1)
        for depth in (-back, belly)
    ]
    parts = [(points.min(axis=0), points.max(axis=0)) for points in trunk]
    parts += [corners(part) for part in flesh(body)]
    parts += [tumor_corners(body, tumor, volume) for tumor, volume in zip(tumors, volumes_mm3, strict=True)]
    return np.min([low for low, _ in parts], axis=0), np.max([high for _, high in parts], axis=0)


def paint_mouse(mouse: Mouse, pose: Pose, volumes_mm3: Sequence[float], grid: Grid) -> PaintedMouse:
    """Paint a mouse with its tumors on a grid.

    Parameters
    ----------
    mouse, pose
        The animal and how it lies.
    volumes_mm3
        Volume of each of the mouse's tumors, mm3; honoured within a hundredth.
    grid
        Voxels; the tail base lies 8.5 mm from z = 0.

    Returns
    -------
    HU and tumor numbers. Numbers follow position along y, then z, starting at 1.

    Raises
    ------
    InputError
        If a tumor does not fit into the field.
    """
    body = Body(mouse.build, pose)
    low, high = reach(body, mouse.tumors, volumes_mm3)
    box = grid.box(low - MARGIN_MM, high + MARGIN_MM)
    part = grid.part(box)
    bone, bone_hu = paint_bones(bones(body), part)
    depth = body_depth(body, part)
    lesions = [
        lesion(body, tumor, volume, depth, bone, part) for tumor, volume in zip(mouse.tumors, volumes_mm3, strict=True)
    ]
    for found in lesions:
        bulge(depth, found)
    hu = soft_tissue(body, depth, part)
    paint_organs(hu, depth, body, part)
    for found in lesions:
        paint_lesion(hu, found, grid.spacing_mm)
    hu *= 1 - bone
    hu += bone_hu
    return PaintedMouse(hu, numbered(lesions, part), (depth > 0) | (bone > BONY), box)


def numbered(lesions: Sequence[Lesion], part: Grid) -> npt.NDArray[np.uint8]:
    """Return the tumor numbers of all voxels: 1, 2, ... by position along y, then z."""
    labels = np.zeros(part.shape, dtype=np.uint8)
    order = sorted(lesions, key=lambda found: (found.centre_mm[1], found.centre_mm[0]))
    for number, found in enumerate(order, start=1):
        labels[found.box][found.voxels & (labels[found.box] == 0)] = number
    return labels
