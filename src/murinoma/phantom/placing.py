"""Mice put into a scanner's field: turned, laid on what carries them, pushed against each other."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.phantom.bed import Cone, Support, surface_mm
from murinoma.phantom.body import Body, Pose, as_point
from murinoma.phantom.mouse import Mouse, paint_mouse, reach
from murinoma.phantom.shapes import Array, Box, Field, Grid, Point

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]

AIR_HU = -1000.0


@dataclass(frozen=True)
class PlacedMouse:
    """One mouse of an acquisition, and how it lies there.

    Attributes
    ----------
    mouse, pose, volumes_mm3
        The animal, its posture and its tumors, as for `paint_mouse`.
    grid
        Voxels on which it is painted, before it is turned.
    at_mm
        Where the middle of trunk, limbs and tumors lies along (z, y, x), mm from the field's first voxel.
    quarter_turns
        About the body axis. In a slice shown with y downwards the belly points to the right (0), up (1: on its
        back), to the left (2) or down (3: prone); `pose.roll_deg` adds to it.
    head_first
        Whether the head lies at the lowest z.
    rests_on
        On what it lies: it is let down, or lifted, until it touches it.
    slides
        Array axis (1 or 2) along which it is pushed back until it touches a mouse laid before; None: it stays.
    pressed_mm
        How much closer than touching it lies, as soft bodies do; the body is flattened there. Tumors are spared:
        where one would be hurt, it just touches.
    tail_mm, tail_bends_mm
        Length of the tail behind its root (the field cuts it), and how far it strays along y and x within 40 mm.
    nose_cone
        A cone over its nose, in mm from the tip of the nose, with z pointing away from the animal.
    """

    mouse: Mouse
    pose: Pose
    volumes_mm3: tuple[float, ...]
    grid: Grid
    at_mm: Point
    quarter_turns: int = 1
    head_first: bool = False
    rests_on: Support | None = None
    slides: int | None = None
    pressed_mm: float = 0.0
    tail_mm: float = 60.0
    tail_bends_mm: tuple[float, float] = (0.0, 0.0)
    nose_cone: Cone | None = None

    @property
    def body(self) -> Body:
        """The animal in its own field, before it is turned."""
        return Body(self.mouse.build, self.pose)

    def reach_mm(self) -> tuple[Array, Array]:
        """Return the lowest and the highest (z, y, x), mm, of the mouse in its own field."""
        return reach(self.body, self.mouse.tumors, self.volumes_mm3)

    def to_field(self, points: npt.ArrayLike) -> Array:
        """Return where points (..., 3) of the mouse's own field lie in the acquisition, mm, before it comes to rest."""
        low, high = self.reach_mm()
        return self.turned(np.asarray(points, dtype=np.float64) - (low + high) / 2) + self.at_mm

    def turned(self, ways: npt.ArrayLike) -> Array:
        """Return ways (..., 3) along (z, y, x) in the mouse's own field as they run in the acquisition."""
        z, y, x = np.moveaxis(np.asarray(ways, dtype=np.float64), -1, 0)
        if self.head_first:
            z, y = -z, -y
        for _ in range(self.quarter_turns % 4):
            y, x = -x, y
        return np.stack([z, y, x], axis=-1)

    def turn(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array of the mouse's own field as it lies in the acquisition: a view."""
        if self.head_first:
            voxels = voxels[::-1, ::-1]
        return np.rot90(voxels, self.quarter_turns, axes=(1, 2))


@dataclass(frozen=True, eq=False)
class Scene:
    """What is in the field: true HU, whose body each voxel is (and, 10 higher, whose tail), tumor numbers."""

    grid: Grid
    hu: Field
    bodies: Labels
    tumors: Labels


@dataclass(frozen=True, eq=False)
class LaidMouse:
    """A painted and turned mouse, and the voxel of the field at which its arrays start (it may lie outside)."""

    hu: Field
    body: Mask
    tumors: Labels
    start: tuple[int, int, int]

    def moved(self, axis: int, voxels: int) -> "LaidMouse":
        """Return it some voxels further along an axis."""
        z, y, x = (at + voxels * (own == axis) for own, at in enumerate(self.start))
        return replace(self, start=(z, y, x))

    def overlap(self, shape: tuple[int, ...]) -> tuple[Box, Box]:
        """Return the part of the field that its arrays cover, and the part of the arrays that lies in the field."""
        inside, own = [], []
        for start, size, whole in zip(self.start, self.body.shape, shape, strict=True):
            first, last = min(max(start, 0), whole), max(min(start + size, whole), 0)
            inside.append(slice(first, max(first, last)))
            own.append(slice(first - start, max(first, last) - start))
        return (inside[0], inside[1], inside[2]), (own[0], own[1], own[2])


def empty_scene(grid: Grid) -> Scene:
    """Return a field with nothing but air."""
    hu = np.full(grid.shape, AIR_HU, dtype=np.float32)
    return Scene(grid, hu, np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8))


def add_mouse(scene: Scene, placed: PlacedMouse, number: int) -> tuple[Box, PlacedMouse]:
    """Put a mouse into a scene, in place; return the part of the field it covers, and a plan of where it came to rest.

    Where bodies meet, the mouse that lies there already keeps its place.
    """
    laid, at_rest = come_to_rest(scene, placed)
    inside, own = laid.overlap(scene.grid.shape)
    others = scene.bodies[inside] > 0
    body = laid.body[own] & ~others
    hu = scene.hu[inside]
    np.maximum(hu, laid.hu[own], out=hu, where=~others)
    np.copyto(hu, laid.hu[own], where=body)
    scene.bodies[inside][body] = number
    np.copyto(scene.tumors[inside], laid.tumors[own], where=body)
    return inside, at_rest


def come_to_rest(scene: Scene, placed: PlacedMouse) -> tuple[LaidMouse, PlacedMouse]:
    """Return a mouse painted, turned and at rest, and the same as a plan that says where that is."""
    laid = first = lay(placed, scene.grid)
    press = round(placed.pressed_mm / scene.grid.spacing_mm)
    if placed.rests_on is not None:
        laid = settle(laid, placed.rests_on, scene.grid, press)
    if placed.slides is not None:
        laid = slide(laid, placed.slides, scene.bodies, press)
    way = np.subtract(laid.start, first.start) * scene.grid.spacing_mm
    return laid, replace(placed, at_mm=as_point(way + placed.at_mm))


def lay(placed: PlacedMouse, grid: Grid) -> LaidMouse:
    """Return a mouse painted and turned, at its place of the plan to half a voxel."""
    painted = paint_mouse(placed.mouse, placed.pose, placed.volumes_mm3, placed.grid)
    part = placed.grid.part(painted.box)
    middle = placed.to_field(np.add(part.origin_mm, part.spacing_mm * (np.array(part.shape) - 1) / 2))
    hu, body, tumors = (placed.turn(voxels) for voxels in (painted.hu, painted.body, painted.labels))
    z, y, x = np.rint((middle - grid.origin_mm) / grid.spacing_mm - (np.array(body.shape) - 1) / 2).astype(int)
    return LaidMouse(hu, body, tumors, (int(z), int(y), int(x)))


def settle(laid: LaidMouse, support: Support, grid: Grid, press: int) -> LaidMouse:
    """Return a mouse let down, or lifted, until it lies on its support, pressed onto it by some voxels."""
    floor = floor_rows(laid, support, grid)
    way = clearance(laid.body, floor - laid.start[1])
    lowest = clearance(laid.tumors > 0, floor - laid.start[1])
    if not np.isfinite(way):
        return laid
    laid = laid.moved(1, int(min(way + press, max(way, lowest))))
    under = (np.arange(laid.body.shape[1])[:, None] + laid.start[1] > floor) & (laid.tumors == 0)
    return replace(laid, body=laid.body & ~under, hu=np.where(under, np.float32(AIR_HU), laid.hu))


def floor_rows(laid: LaidMouse, support: Support, grid: Grid) -> Array:
    """Return the last row of voxels above a support, under each column of a mouse."""
    x = grid.origin_mm[2] + grid.spacing_mm * (laid.start[2] + np.arange(laid.body.shape[2], dtype=np.float64))
    return np.ceil((surface_mm(support, x) - grid.origin_mm[1]) / grid.spacing_mm) - 1


def clearance(mask: Mask, floor: Array) -> float:
    """Return how many rows a mask can go down before it goes under the last free row of a column."""
    section: Mask = np.any(mask, axis=0)
    lowest = section.shape[0] - 1 - np.argmax(section[::-1], axis=0)
    return float(np.min(np.where(section.any(axis=0), floor - lowest, np.inf)))


def slide(laid: LaidMouse, axis: int, bodies: Labels, press: int) -> LaidMouse:
    """Return a mouse pushed back along an axis until it touches a body, and pressed against it by some voxels."""
    inside, own = laid.overlap(bodies.shape)
    lane = tuple(slice(0, part.stop) if at == axis else part for at, part in enumerate(inside))
    behind = last_index(bodies[lane] > 0, axis)
    gap = free_way(laid.body[own], behind, axis, inside[axis].start)
    spared = free_way(laid.tumors[own] > 0, behind, axis, inside[axis].start)
    if not np.isfinite(gap):
        return laid
    return laid.moved(axis, -int(min(gap + press, max(gap, spared))))


def last_index(mask: Mask, axis: int) -> Array:
    """Return the last index along an axis at which a mask is set, minus infinity where it never is."""
    last = mask.shape[axis] - 1 - np.argmax(np.flip(mask, axis), axis=axis)
    return np.where(mask.any(axis=axis), last, -np.inf)


def free_way(mask: Mask, behind: Array, axis: int, start: int) -> float:
    """Return how many voxels a mask that starts somewhere can go back before it runs into what lies behind."""
    first = np.where(mask.any(axis=axis), start + np.argmax(mask, axis=axis), np.inf)
    return float(np.min(first - behind - 1))


def body_box(bodies: Labels, number: int, covered: Box) -> Box:
    """Return the box of a mouse's body, which lies in a covered part of the field; without a body it is empty."""
    body = bodies[covered] == number
    sides = []
    for axis, part in enumerate(covered):
        held = np.flatnonzero(body.any(axis=tuple(other for other in range(3) if other != axis)))
        low, high = (int(held[0]), int(held[-1]) + 1) if held.size else (0, 0)
        sides.append(slice(part.start + low, part.start + high))
    return sides[0], sides[1], sides[2]
