"""The organs of a mouse: lungs, heart, liver, stomach, kidneys, gut with its gas, bladder, airways."""

import numpy as np

from murinoma.phantom.body import Body, as_point, ramp
from murinoma.phantom.shapes import (
    Ellipsoid,
    Field,
    Grid,
    Point,
    Solid,
    coverage,
    paint,
    smooth_field,
    solid_box,
    solid_depth,
)

# centre in body coordinates, radii (z, y, x) mm, HU
LUNGS = (((0.575, 3.9, -0.6), (7.6, 3.7, 5.2), -420.0), ((0.575, -4.0, -0.4), (8.2, 3.8, 5.4), -420.0))
ORGANS: tuple[tuple[Point, Point, float], ...] = (
    ((0.585, 0.9, 2.2), (4.6, 3.7, 3.9), 62.0),  # heart
    ((0.485, 0.0, -2.0), (3.2, 6.6, 3.4), 66.0),  # dome of the diaphragm with the liver
    ((0.460, -1.4, 1.6), (5.2, 8.0, 5.4), 72.0),  # liver
    ((0.425, 4.8, 0.6), (3.8, 3.8, 3.6), 28.0),  # stomach
    ((0.375, -5.6, -3.4), (5.9, 3.7, 3.5), -60.0),  # fat around the kidneys
    ((0.340, 5.6, -3.4), (5.9, 3.7, 3.5), -60.0),
    ((0.375, -5.6, -3.4), (4.9, 2.7, 2.6), 64.0),  # kidneys
    ((0.340, 5.6, -3.4), (4.9, 2.7, 2.6), 64.0),
    ((0.150, 0.0, 3.6), (3.0, 2.7, 2.6), 12.0),  # bladder
    ((0.845, 0.0, -0.6), (5.2, 4.0, 3.4), 42.0),  # brain
)
WALL_MM = 2.3  # skin, fat, muscle and ribs over the organs
GUT = ((0.285, 0.0, 1.6), (10.5, 8.8, 5.0))
AIRWAYS = (
    ((0.600, 0.0, -1.4), (0.740, 0.0, 1.2), 0.55),
    ((0.740, 0.0, 1.2), (0.870, 0.0, 1.9), 0.60),
    ((0.890, 0.8, 0.2), (0.985, 0.5, 2.0), 0.50),
    ((0.890, -0.8, 0.2), (0.985, -0.5, 2.0), 0.50),
)


def paint_organs(hu: Field, depth: Field, body: Body, grid: Grid) -> None:
    """Paint all organs over the soft tissue, in place; lungs and gut stay under the wall of the body."""
    cavity = ramp(depth, WALL_MM, grid.spacing_mm)
    textures = np.random.default_rng([body.build.texture_seed, 3])
    for centre, radii, lung_hu in LUNGS:
        blend_texture(
            hu, cavity, grid, Ellipsoid(as_point(body.place(centre)), radii, lung_hu), (75.0, 1.1), rng=textures
        )
    scale = body.build.girth
    for centre, radii, organ_hu in ORGANS:
        size = (radii[0], radii[1] * scale, radii[2] * scale)
        paint(hu, grid, Ellipsoid(as_point(body.place(centre)), size, organ_hu))
    gut = Ellipsoid(as_point(body.place(GUT[0])), GUT[1], 22.0)
    blend_texture(hu, cavity, grid, gut, (34.0, 1.9), rng=textures)
    for solid in [*airways(body), *bubbles(body, rng=textures)]:
        paint(hu, grid, solid)


def blend_texture(
    hu: Field, cavity: Field, grid: Grid, solid: Ellipsoid, texture: tuple[float, float], *, rng: np.random.Generator
) -> None:
    """Paint a solid whose HU varies with an SD (HU) over a length (mm), in place, where there is a cavity (0 to 1)."""
    box = solid_box(grid, solid, grid.spacing_mm)
    sd_hu, length_mm = texture
    lengths = (length_mm, length_mm, length_mm)
    waves = smooth_field(grid.part(box), lengths, rng=rng, anchor_mm=solid.centre)
    varied = np.float32(solid.hu) + np.float32(sd_hu) * waves
    share = np.minimum(coverage(solid_depth(grid, box, solid), grid.spacing_mm), cavity[box])
    hu[box] += share * (varied - hu[box])


def airways(body: Body) -> list[Solid]:
    """Return windpipe, throat and nose as rods of air."""
    return [body.rod(start, end, (radius, radius), -900.0) for start, end, radius in AIRWAYS]


def bubbles(body: Body, *, rng: np.random.Generator) -> list[Solid]:
    """Return a few gas bubbles in stomach and gut."""
    (share, _, belly), (_, width, height) = GUT
    solids: list[Solid] = []
    for _ in range(int(rng.integers(3, 8))):
        at = (share + rng.uniform(-0.08, 0.10), rng.uniform(-0.6, 0.6) * width, belly + rng.uniform(-0.5, 0.5) * height)
        radii = as_point(rng.uniform(0.35, 1.3, 3) * (1.6, 1.0, 1.0))
        solids.append(Ellipsoid(as_point(body.place(at)), radii, -750.0))
    return solids
