"""What belongs to one mouse of an acquisition and follows it: its tail, and the cone over its nose."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from murinoma.phantom.bed import Cone, cone_box, cone_depth
from murinoma.phantom.body import as_point
from murinoma.phantom.placing import AIR_HU, PlacedMouse, Scene
from murinoma.phantom.shapes import Capsule, coverage, solid_box, solid_depth

TAIL = 10  # added to a mouse's number: its tail behind the root
TAIL_ROOT = (-0.07, 0.0, -4.4)  # body coordinates: the first 4 mm behind the rump are the tail's base, and body
TAIL_RADII_MM = (1.5, 0.6)
TAIL_HU = 30.0
AROUND_TAIL_MM = 0.9  # skin so near to a tail is the tail's
VERTEBRA_MM, DISC_MM = 3.6, 0.7
NOSE = (1.0, 0.0, 2.6)  # body coordinates of its tip


def paint_tail(scene: Scene, placed: PlacedMouse, number: int) -> None:
    """Paint a mouse's tail behind its root, with its vertebrae, where no body lies; in place."""
    flesh, vertebrae = tail(placed)
    grid = scene.grid
    for piece in flesh:
        box = solid_box(grid, piece, grid.spacing_mm)
        depth = solid_depth(grid, box, piece)
        bodies, hu = scene.bodies[box], scene.hu[box]
        free = (bodies == 0) | (bodies == TAIL + number)
        share = np.where(free, coverage(depth, grid.spacing_mm), np.float32(0))
        hu += share * (np.maximum(hu, np.float32(piece.hu)) - hu)
        bodies[(free & (depth > 0)) | ((bodies == number) & (depth > -AROUND_TAIL_MM))] = TAIL + number
    for piece in vertebrae:
        box = solid_box(grid, piece, grid.spacing_mm)
        share = coverage(solid_depth(grid, box, piece), grid.spacing_mm) * (scene.bodies[box] == TAIL + number)
        np.maximum(scene.hu[box], AIR_HU + share * np.float32(piece.hu - AIR_HU), out=scene.hu[box])


def tail(placed: PlacedMouse) -> tuple[list[Capsule], list[Capsule]]:
    """Return the flesh and the vertebrae of a mouse's tail, in the field of the acquisition."""
    root = placed.to_field(placed.body.place(TAIL_ROOT))
    away = np.array([1.0 if placed.head_first else -1.0, 0.0, 0.0])
    bends = np.array([0.0, *placed.tail_bends_mm])
    steps = np.arange(0.0, placed.tail_mm, VERTEBRA_MM)
    places = [as_point(root + way * away + bends * np.sin(way / 40 * np.pi / 2)) for way in steps]
    flesh, vertebrae = [], []
    first, last = TAIL_RADII_MM
    for at, (start, end) in enumerate(pairwise(places)):
        thick, thin = (first + (last - first) * rank / len(places) for rank in (at, at + 1))
        flesh.append(Capsule(start, end, (thick, thin), TAIL_HU))
        shorter = as_point(np.subtract(end, np.multiply(DISC_MM / VERTEBRA_MM, np.subtract(end, start))))
        vertebrae.append(Capsule(start, shorter, (0.42 * thick, 0.42 * thick), 650.0))
    return flesh, vertebrae


def paint_nose_cone(scene: Scene, placed: PlacedMouse) -> None:
    """Paint the cone over a mouse's nose, if it has one, where no body lies; in place."""
    if placed.nose_cone is None:
        return
    cone = cone_at(placed, placed.nose_cone)
    box = cone_box(scene.grid, cone)
    free = scene.bodies[box] == 0
    share = np.where(free, coverage(cone_depth(scene.grid, box, cone), scene.grid.spacing_mm), np.float32(0))
    scene.hu[box] += share * (np.float32(cone.hu) - scene.hu[box])


def cone_at(placed: PlacedMouse, cone: Cone) -> Cone:
    """Return a cone that is stated from the tip of a mouse's nose in the field of the acquisition."""
    z, y, x = as_point(placed.to_field(placed.body.place(NOSE)))
    near, far = cone.span_mm
    span, radii = (z + near, z + far), cone.radii_mm
    if placed.head_first:
        span, radii = (z - far, z - near), (radii[1], radii[0])
    return replace(cone, axis_mm=(y + cone.axis_mm[0], x + cone.axis_mm[1]), span_mm=span, radii_mm=radii)
