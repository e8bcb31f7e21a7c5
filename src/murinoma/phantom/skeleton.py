"""The skeleton of a mouse as rods and shells of bone."""

from itertools import pairwise

import numpy as np

from murinoma.phantom.body import Body, as_point, limb_joints
from murinoma.phantom.shapes import Ellipsoid, Field, Grid, Point, Solid, coverage, solid_box, solid_depth

SPINE_DEPTH_MM = 4.3  # centre of a vertebral body under the skin of the back

# where each part of the spine begins and ends (share of the length), its vertebrae, their size, transverse process (mm)
SPINE = (
    (-0.115, 0.065, 5, 0.60, 0.5),
    (0.065, 0.185, 4, 0.90, 2.0),
    (0.185, 0.430, 6, 1.00, 2.4),
    (0.430, 0.715, 13, 0.85, 1.1),
    (0.715, 0.764, 6, 0.80, 1.1),
)
ARCH = ((0.75, 0.5), (1.25, 1.5), (0.95, 2.5), (0.0, 2.9))  # half of a neural arch: sideways and back, mm
RIBS = 13
LONG_BONES = ((((0.62, 0.72), (0.60, 0.40)), 850.0), (((0.52, 0.46), (0.38, 0.30)), 850.0))  # hind, fore: radii, HU
FLOATING_FROM = 7  # the ribs behind the seventh, counted from the head, do not reach the sternum


def bones(body: Body) -> list[Solid]:
    """Return all bones of a mouse, placed in the field; where they overlap, the densest counts."""
    parts: list[Solid] = []
    for part in (spine, ribs, breast, pelvis, skull, limbs):
        parts += part(body)
    return parts


def paint_bones(solids: list[Solid], grid: Grid) -> tuple[Field, Field]:
    """Return the share of each voxel that is bone (0 to 1), and what this share adds to its HU."""
    share = np.zeros(grid.shape, dtype=np.float32)
    added_hu = np.zeros(grid.shape, dtype=np.float32)
    for solid in solids:
        box = solid_box(grid, solid, grid.spacing_mm)
        if share[box].size:
            own = coverage(solid_depth(grid, box, solid), grid.spacing_mm)
            np.maximum(share[box], own, out=share[box])
            np.maximum(added_hu[box], own * np.float32(solid.hu), out=added_hu[box])
    return share, added_hu


def spine_belly_mm(body: Body, share: float) -> float:
    """Return how far towards the belly the vertebral bodies lie, mm from the axis."""
    _, back, _, drop = body.sizes(share)
    return float(drop - back + min(SPINE_DEPTH_MM, 0.95 * back))


def spine(body: Body) -> list[Solid]:
    """Return tail, sacral, lumbar, thoracic and cervical vertebrae."""
    parts: list[Solid] = []
    for first, last, count, size, process_mm in SPINE:
        step = (last - first) / count
        for share in first + step * (np.arange(count) + 0.5):
            parts += vertebra(body, float(share), step, size, process_mm)
    return parts


def vertebra(body: Body, share: float, step: float, size: float, process_mm: float) -> list[Solid]:
    """Return one vertebra: body, arch around the canal, spinous and transverse processes."""
    middle, thick = spine_belly_mm(body, share), 0.78 * size
    half = max(0.44 * step - thick / body.build.length_mm, 0.05 * step)  # the disc between two bodies stays free
    parts: list[Solid] = [body.rod((share - half, 0, middle), (share + half, 0, middle), (thick, thick), 820)]
    for side in (-1, 1):
        for along in (share - 0.2 * step, share + 0.2 * step):
            rim = [(along, side * u * size, middle - v * size) for u, v in ARCH]
            parts += [body.rod(a, b, (0.26, 0.26), 760) for a, b in pairwise(rim)]
        tip = (share + 0.3 * step, side * (0.9 + process_mm), middle + 0.2)
        parts.append(body.rod((share, side * 0.9 * size, middle - 0.5 * size), tip, (0.35, 0.22), 700))
    top = middle - ARCH[-1][1] * size
    parts.append(body.rod((share, 0, top), (share - 0.3 * step, 0, top - 0.7 * size), (0.28, 0.22), 700))
    return parts


def ribs(body: Body) -> list[Solid]:
    """Return thirteen pairs of ribs along the wall of the chest."""
    first, last, count, _, _ = SPINE[3]
    parts: list[Solid] = []
    for number in range(RIBS):
        share = first + (last - first) * (number + 0.7) / count
        from_head = RIBS - number
        reach = 0.92 if from_head <= FLOATING_FROM else 0.92 - 0.075 * (from_head - FLOATING_FROM)
        for side in (-1, 1):
            parts += rib(body, share, side, reach)
    return parts


def rib(body: Body, share: float, side: int, reach: float) -> list[Solid]:
    """Return one rib from the spine towards the breast, up to `reach` of the way; it slants towards the tail."""
    points: list[Point] = []
    for angle in np.pi * np.linspace(0.13, reach, 9):
        along = share - 0.062 * np.sin(0.72 * angle) ** 1.5
        width, back, belly, drop = body.sizes(along)
        inner = [width - 1.9, back - 1.9 if angle < np.pi / 2 else belly - 2.0]
        points.append((along, side * inner[0] * np.sin(angle), drop - inner[1] * np.cos(angle)))
    return [body.rod(a, b, (0.27, 0.27), 780) for a, b in pairwise(points)]


def breast(body: Body) -> list[Solid]:
    """Return sternum, collar bones and shoulder blades."""
    parts: list[Solid] = []
    for share in np.linspace(0.555, 0.705, 6):
        _, _, belly, drop = body.sizes(share)
        parts.append(
            body.rod((share - 0.01, 0, drop + belly - 2.0), (share + 0.01, 0, drop + belly - 2.0), (0.5, 0.5), 700)
        )
    for side in (-1, 1):
        shoulder = (0.70, side * 5.4, 1.6)
        parts.append(body.rod((0.715, side * 0.6, 4.4), shoulder, (0.3, 0.3), 800))
        for spread in (-0.012, 0.0, 0.012, 0.024):
            back = (0.615 + 1.6 * spread, side * (3.3 + 30 * spread), -4.6 + 20 * spread)
            parts.append(body.rod(shoulder, back, (0.32, 0.22), 650))
    return parts


def pelvis(body: Body) -> list[Solid]:
    """Return both halves of the pelvis: ilium, ischium and pubis around the obturator foramen."""
    parts: list[Solid] = []
    for side in (-1, 1):
        crest, socket, seat, front, back = (
            (s, side * u, v)
            for s, u, v in (
                (0.225, 3.2, -4.2),
                (0.125, 4.6, -1.6),
                (0.060, 3.8, -0.8),
                (0.105, 1.0, 3.2),
                (0.060, 1.4, 2.4),
            )
        )
        parts.append(body.rod(crest, socket, (0.55, 0.70), 800))
        parts += [
            body.rod(a, b, (0.38, 0.38), 800) for a, b in ((socket, seat), (socket, front), (seat, back), (front, back))
        ]
    return parts


def skull(body: Body) -> list[Solid]:
    """Return brain case, snout, cheek arches, ear capsules, jaws and teeth."""
    length = body.build.length_mm
    parts: list[Solid] = [
        Ellipsoid(as_point(body.place((0.838, 0.0, -0.6))), (0.078 * length, 4.8, 4.0), 900, wall_mm=0.40),
        Ellipsoid(as_point(body.place((0.925, 0.0, 0.3))), (0.062 * length, 2.4, 2.2), 850, wall_mm=0.32),
    ]
    for side in (-1, 1):
        for start, end, radii, hu in SKULL_RODS:
            parts.append(body.rod((start[0], side * start[1], start[2]), (end[0], side * end[1], end[2]), radii, hu))
        bulla = as_point(body.place((0.782, side * 3.3, 2.0)))
        parts.append(Ellipsoid(bulla, (1.5, 1.2, 1.2), 900, wall_mm=0.35))
    return parts


SKULL_RODS: tuple[tuple[Point, Point, tuple[float, float], float], ...] = (
    ((0.930, 1.3, -0.8), (0.988, 0.5, 1.2), (0.35, 0.30), 850),  # nasal bones
    ((0.885, 2.4, 1.6), (0.975, 0.7, 2.0), (0.45, 0.40), 900),  # upper jaw
    ((0.855, 2.1, 2.0), (0.895, 1.7, 2.2), (0.55, 0.50), 1600),  # upper molars
    ((0.968, 0.5, 2.0), (0.990, 0.4, 3.4), (0.30, 0.25), 1900),  # upper incisors
    ((0.800, 4.2, 1.2), (0.850, 5.6, 1.7), (0.30, 0.28), 850),  # cheek arch
    ((0.850, 5.6, 1.7), (0.890, 4.6, 1.7), (0.28, 0.28), 850),
    ((0.890, 4.6, 1.7), (0.915, 2.4, 1.3), (0.28, 0.35), 850),
    ((0.800, 4.0, 2.4), (0.850, 3.0, 4.4), (0.40, 0.55), 850),  # lower jaw
    ((0.850, 3.0, 4.4), (0.955, 0.5, 4.4), (0.60, 0.38), 900),
    ((0.860, 2.3, 3.5), (0.895, 1.8, 3.6), (0.50, 0.45), 1600),  # lower molars
    ((0.910, 1.1, 4.5), (0.982, 0.35, 3.7), (0.28, 0.24), 1900),  # lower incisors
)


def limbs(body: Body) -> list[Solid]:
    """Return the long bones, feet and toes of the four limbs."""
    parts: list[Solid] = []
    for number, (root, middle, low, tip) in enumerate(limb_joints(body)):
        (upper, lower), hu = LONG_BONES[number // 2]
        parts += [body.rod(root, middle, upper, hu), body.rod(middle, low, lower, hu)]
        parts.append(body.rod(beside(middle, 0.7), beside(low, 0.4), (0.22, 0.22), 800))
        for ray in (-1.5, -0.5, 0.5, 1.5):
            knuckle = (0.4 * low[0] + 0.6 * tip[0], 0.4 * low[1] + 0.6 * tip[1], 0.4 * low[2] + 0.6 * tip[2])
            parts.append(body.rod(beside(low, 0.3 * ray), beside(knuckle, 0.7 * ray), (0.24, 0.22), 800))
            parts.append(body.rod(beside(knuckle, 0.75 * ray), beside(tip, 1.2 * ray), (0.20, 0.14), 700))
    return parts


def beside(point: Point, offset_mm: float) -> Point:
    """Return a point in body coordinates moved sideways and towards the belly."""
    return point[0], point[1] + offset_mm, point[2] + 0.5 * abs(offset_mm)
