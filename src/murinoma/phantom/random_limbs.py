"""Limbs of a mouse in any position: stretched, spread, or folded against the flank."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from murinoma.phantom.body import FORE_LIMB, HIND_LIMB, Body, as_point
from murinoma.phantom.shapes import Array, Capsule, Point
from murinoma.phantom.skeleton import LONG_BONES, beside

FOLDED_SHANK = (6.0, 1.5, 5.0)  # from the knee of a folded hind limb to its heel: along the body, sideways, belly, mm


@dataclass(frozen=True)
class Limb:
    """One limb: its four joints in body coordinates, the radii of its flesh there (mm), and what its bones are."""

    joints: tuple[Point, Point, Point, Point]
    radii_mm: tuple[float, float, float, float]
    bone_radii_mm: tuple[tuple[float, float], tuple[float, float]]
    bone_hu: float


def draw_limbs(length_mm: float, girth: float, spread_deg: float, *, rng: np.random.Generator) -> tuple[Limb, ...]:
    """Return four limbs whose segments stray from a usual position by an angle of some SD, mostly alike on both sides.

    Parameters
    ----------
    length_mm, girth
        Of the body that they belong to.
    spread_deg
        SD of the angles.
    """
    limbs = []
    for pair, usual in enumerate((HIND_LIMB, FORE_LIMB)):
        alike = [turn_by(rng.normal(0, spread_deg, 3)) for _ in range(3)]
        folded = pair == 0 and rng.random() < 0.3
        for side in (1, -1):
            ways = segments(usual, length_mm)
            if folded or (pair == 0 and rng.random() < 0.1):
                ways[1] = np.array(FOLDED_SHANK)
            own = [turn_by(rng.normal(0, 0.4 * spread_deg, 3)) for _ in range(3)]
            ways = [turn @ other @ way for turn, other, way in zip(own, alike, ways, strict=True)]
            share, across, belly = usual[0][0]
            root = np.array([share * length_mm, across * girth, belly]) + rng.normal(0, (1.0, 0.4, 0.4))
            joints = np.add(np.cumsum([np.zeros(3), *ways], axis=0), root)
            limbs.append(limb(joints / (length_mm, 1, 1) * (1, side, 1), pair, float(rng.normal(1, 0.08))))
    return tuple(limbs)


def limb(joints: Array, pair: int, thickness: float) -> Limb:
    """Return a hind (0) or fore (1) limb through four joints in body coordinates."""
    radii = [radius * thickness for _, radius in (HIND_LIMB, FORE_LIMB)[pair]]
    (upper, lower), hu = LONG_BONES[pair]
    hip, knee, heel, tip = (as_point(joint) for joint in joints)
    return Limb((hip, knee, heel, tip), (radii[0], radii[1], radii[2], radii[3]), (upper, lower), hu)


def segments(usual: tuple[tuple[Point, float], ...], length_mm: float) -> list[Array]:
    """Return the ways from joint to joint of a usual limb: along the body, sideways, belly, mm."""
    joints = [np.multiply(at, (length_mm, 1, 1)) for at, _ in usual]
    return [after - before for before, after in pairwise(joints)]


def turn_by(angles_deg: Array) -> Array:
    """Return the rotation (3, 3) by an angle about each axis, degrees.

    Examples
    --------
    >>> (turn_by(np.array([0.0, 0.0, 90.0])) @ (1, 0, 0)).round(9).tolist()
    [0.0, 1.0, 0.0]
    """
    rotation = np.eye(3)
    for axis, angle in enumerate(np.radians(angles_deg)):
        one, other = [own for own in range(3) if own != axis]
        step = np.eye(3)
        step[one, one] = step[other, other] = np.cos(angle)
        step[other, one], step[one, other] = np.sin(angle), -np.sin(angle)
        rotation = step @ rotation
    return rotation


def limb_flesh(body: Body, part: Limb) -> list[Capsule]:
    """Return the soft parts of a limb, placed."""
    ends = zip(pairwise(part.joints), pairwise(part.radii_mm), strict=True)
    return [body.rod(start, end, radii) for (start, end), radii in ends]


def limb_bones(body: Body, part: Limb) -> list[Capsule]:
    """Return the long bones, feet and toes of a limb, placed."""
    hip, knee, heel, tip = part.joints
    upper, lower = part.bone_radii_mm
    rods = [body.rod(hip, knee, upper, part.bone_hu), body.rod(knee, heel, lower, part.bone_hu)]
    rods.append(body.rod(beside(knee, 0.7), beside(heel, 0.4), (0.22, 0.22), 800))
    knuckle = as_point(0.4 * np.asarray(heel) + 0.6 * np.asarray(tip))
    for ray in (-1.5, -0.5, 0.5, 1.5):
        rods.append(body.rod(beside(heel, 0.3 * ray), beside(knuckle, 0.7 * ray), (0.24, 0.22), 800))
        rods.append(body.rod(beside(knuckle, 0.75 * ray), beside(tip, 1.2 * ray), (0.20, 0.14), 700))
    return rods
