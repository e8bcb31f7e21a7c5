"""Synthetic tumors pasted under the skin of real scans: a new lab has few labelled ones.

A tumor is a lumpy, flattened ball that sits on the body wall, embedded or partly bulging under a lifted skin. Its grey
values are those of a labelled tumor: the mean of a block cut from its inside, and noise of the block's spectrum, so the
grain is the scanner's own. Bone stays as it is.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from murinoma.models.training.augmentation import draw_direction
from murinoma.models.training.examples import WHOLE, Example, Places
from murinoma.models.training.hints import with_lesion
from murinoma.numerics.boxes import Box, union_box

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Point = npt.NDArray[np.float64]

VOLUMES_MM3 = (14.0, 1000.0)  # log-uniform
EMBEDDED = (0.35, 1.1)  # share of the thickness under the old surface; over 1 lies under it as a whole
WALL_MM = (2.0, 4.5)  # a tumor grows outwards from the body wall, not into the mouse
STRETCHES = (0.8, 1.3)
FLATNESS = (0.65, 1.0)
LUMPINESS = (0.03, 0.1)
COVER_MM = 0.5  # skin over a tumor
SHOULDER_MM, SHOULDER_SHARE = 1.0, 0.4  # over which lifted skin joins the body: at least, and of the radius
BONE_ABOVE_HU = 250.0
BONE_REACH_MM = 2.5  # about its place: bone there is what the tumor sits on
BONE_MM = 0.5  # a tumor keeps so far from bone: a voxel half in bone is none of it
EDGE_MM = 0.22  # over which grey values change
CONTRAST_HU = 12.0  # SD of a tumor's brightness against the labelled one
CORE_CHANCE, CORE_HU = 0.2, 25.0  # of a necrotic core; how much darker it is
LEAST_BLOCK = 3  # voxels along an edge of a block that is texture
LEAST_SHARE = 0.4  # of the wanted volume: where bone leaves less room, another place is tried
BODY_BELOW_HU = 250.0  # under soft tissue: darker is air
INWARDS_MM, OUTWARDS_MM = 4.0, 2.5  # about a place near the skin: flesh all the way, as in no bed, then the skin
LEAST_WALL_MM = 1.0  # no tumor sits where bone is nearer to the skin
REACH, MARGIN_MM = 1.8, 1.5  # a tumor lies within so many radii of its place on the skin; around that
TRIES = 12


@dataclass(frozen=True, eq=False)
class Texture:
    """Grey values from inside a labelled tumor, HU: a block of them, (z, y, x)."""

    block: Image


@dataclass(frozen=True)
class Shape:
    """A tumor to be made: volume, share of it under the old surface, depth of the body wall, lumps of its surface."""

    volume_mm3: float
    embedded: float
    wall_mm: float
    lumpiness: float

    @property
    def radius_mm(self) -> float:
        """Radius of a ball of this volume, mm."""
        return float((0.75 * self.volume_mm3 / np.pi) ** (1 / 3))


def with_pasted_tumor(example: Example, *, rng: np.random.Generator) -> tuple[Example, Places] | None:
    """Return an example with one more tumor, and that tumor's voxels (n, 3).

    Nothing if the example has no labelled tumor to take its texture from, or no free place was found on its trunk.
    """
    texture = draw_texture(example, rng=rng)
    if texture is None:
        return None
    shape = draw_shape(rng=rng)
    for _ in range(TRIES):
        found = _draw_box(example, shape, rng=rng)
        if found is None:
            continue
        box, place = found
        part = example.image[box].astype(np.float32) - np.float32(example.anchor_hu)
        pasted, mask = pasted_tumor(part, place, shape, texture, example.spacing_mm, rng=rng)
        if mask.sum() * example.spacing_mm**3 >= LEAST_SHARE * shape.volume_mm3:
            return _joined(example, box, pasted + np.float32(example.anchor_hu), mask)
    return None


def draw_shape(*, rng: np.random.Generator) -> Shape:
    """Return what kind of tumor comes next."""
    volume = float(np.exp(rng.uniform(*np.log(VOLUMES_MM3))))
    return Shape(volume, rng.uniform(*EMBEDDED), rng.uniform(*WALL_MM), rng.uniform(*LUMPINESS))


def draw_texture(example: Example, *, rng: np.random.Generator) -> Texture | None:
    """Return the largest block, relative to soft tissue, inside one of the labelled tumors; nothing without one."""
    if not example.tumors:
        return None
    places = example.tumors[rng.integers(len(example.tumors))]
    inside = example.targets[-1] >= WHOLE / 2
    pieces, _ = ndimage.label(inside)
    starts = np.array([axis.start for axis in example.box])
    numbers = pieces[tuple((places - starts).T)]
    if not numbers.any():
        return None
    tumor = pieces == np.bincount(numbers[numbers > 0]).argmax()
    # chessboard distance: how large a cube about a voxel lies inside
    depth = ndimage.distance_transform_cdt(np.pad(tumor, 1), "chessboard")[1:-1, 1:-1, 1:-1]
    centre, half = np.unravel_index(int(depth.argmax()), depth.shape), int(depth.max()) - 1
    z, y, x = (slice(at + start - half, at + start + half + 1) for at, start in zip(centre, starts, strict=True))
    block = example.image[z, y, x].astype(np.float32) - np.float32(example.anchor_hu)
    return Texture(block) if min(block.shape) >= LEAST_BLOCK else None


def pasted_tumor(
    image: Image, place: Point, shape: Shape, texture: Texture, spacing_mm: float, *, rng: np.random.Generator
) -> tuple[Image, Mask]:
    """Return an image with a tumor at a place of the body's surface, and its mask: empty where bone is too near.

    Parameters
    ----------
    image
        Part of a CT (z, y, x), HU above soft tissue, with room for the tumor.
    place
        On the surface of the body, in voxels.
    shape, texture
        What it is like.
    spacing_mm
        Edge of a voxel, mm.
    """
    body = image > -BODY_BELOW_HU
    under_skin = signed_depth_mm(body, spacing_mm)
    wall_mm = min(
        shape.wall_mm, _bone_depth_mm(image, under_skin, place, min(shape.radius_mm, BONE_REACH_MM) / spacing_mm)
    )
    if wall_mm < LEAST_WALL_MM:
        return image, np.zeros(image.shape, np.bool_)
    to_centre, radii = _frame(under_skin, place, replace(shape, wall_mm=wall_mm), spacing_mm, rng=rng)
    lumps = shape.lumpiness * smooth_noise(image.shape, 0.6 * shape.radius_mm / spacing_mm, rng=rng)
    share = np.sqrt(np.sum((to_centre / radii[:, None, None, None]) ** 2, axis=0)) - lumps
    bone = ndimage.binary_dilation(image > BONE_ABOVE_HU, iterations=max(1, round(BONE_MM / spacing_mm)))
    room = np.where(bone, np.float32(-1), np.float32(wall_mm) - under_skin)
    depth = in_one_piece(np.minimum((1 - share) * np.float32(shape.radius_mm), room).astype(np.float32))
    shoulder_mm = max(SHOULDER_MM, SHOULDER_SHARE * shape.radius_mm)
    lifted = rounded_maximum(under_skin, depth + np.float32(COVER_MM), shoulder_mm)
    noise = grain(texture, image.shape, rng=rng)
    painted = _with_skin(image, under_skin, lifted, noise)
    own = noise + np.float32(texture.block.mean() + CONTRAST_HU * rng.standard_normal())
    if rng.random() < CORE_CHANCE:
        own -= np.float32(CORE_HU) * np.clip(depth / np.float32(0.6 * shape.radius_mm), 0, 1)
    return painted + coverage(depth) * (own - painted), np.asarray(depth > 0)


def signed_depth_mm(mask: Mask, spacing_mm: float) -> Image:
    """Return how deep each voxel lies in a mask, mm, negative outside; the surface runs between voxels."""
    inside, outside = (ndimage.distance_transform_edt(side) for side in (mask, ~mask))
    return np.asarray((inside - outside - np.where(mask, 0.5, -0.5)) * spacing_mm, np.float32)


def smooth_noise(shape: tuple[int, ...], sigma: float, *, rng: np.random.Generator) -> Image:
    """Return noise of SD 1 that changes over `sigma` voxels."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    return np.asarray(noise / max(float(noise.std()), 1e-6), dtype=np.float32)


def rounded_maximum(one: Image, other: Image, width_mm: float) -> Image:
    """Return the larger of two depths, rounded where they are within `width_mm` of each other."""
    near = np.clip(width_mm - np.abs(one - other), 0, None)
    return np.asarray(np.maximum(one, other) + near**2 / (4 * width_mm), dtype=np.float32)


def coverage(depth_mm: Image) -> Image:
    """Return how much of a voxel at this depth belongs to what is deeper: 0 outside, 1 inside, 1/2 on the surface."""
    share: Image = np.clip(0.5 + depth_mm / np.float32(2 * EDGE_MM), 0, 1)
    return share


def in_one_piece(depth: Image) -> Image:
    """Return the depth of the largest piece alone: bone may cut some voxels off."""
    pieces, count = ndimage.label(depth > 0)
    if count < 2:
        return depth
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.where((pieces == 0) | (pieces == largest), depth, np.float32(-EDGE_MM))


def grain(texture: Texture, shape: tuple[int, ...], *, rng: np.random.Generator) -> Image:
    """Return noise of the texture's SD and spectrum, without its mean: its block, dropped on every voxel at random.

    Discrete spot noise: Galerne, Gousseau & Morel 2011, Random phase textures, equation 5.
    """
    spot = texture.block - texture.block.mean()
    padded = [size + own for size, own in zip(shape, spot.shape, strict=True)]
    noise = fft.rfftn(rng.standard_normal(padded, dtype=np.float32))
    noise *= fft.rfftn(spot, s=padded)
    whole = fft.irfftn(noise, s=padded)[tuple(slice(0, size) for size in shape)]
    return np.asarray(whole / np.sqrt(spot.size), dtype=np.float32)


def _bone_depth_mm(image: Image, under_skin: Image, place: Point, reach: float) -> float:
    """Return how deep the first bone under a place lies, mm: a tumor lies over ribs and skull, not under them."""
    z, y, x = (slice(max(int(at - reach), 0), int(at + reach) + 1) for at in place)
    return float(np.min(under_skin[z, y, x], where=image[z, y, x] > BONE_ABOVE_HU, initial=np.inf))


def _frame(
    under_skin: Image, place: Point, shape: Shape, spacing_mm: float, *, rng: np.random.Generator
) -> tuple[Image, Image]:
    """Return each voxel's way from the tumor's centre along its three axes, mm, (3, z, y, x), and the radii, mm."""
    smooth = ndimage.gaussian_filter(under_skin, 1.5 / spacing_mm, mode="nearest")
    at = np.clip(np.rint(place).astype(int), 1, np.subtract(under_skin.shape, 2))
    slopes = [smooth[tuple(at + one)] - smooth[tuple(at - one)] for one in np.eye(3, dtype=int)]
    outwards = -np.array(slopes, dtype=np.float64)
    outwards /= max(float(np.linalg.norm(outwards)), 1e-6)
    aside = np.cross(outwards, draw_direction(rng=rng))
    aside /= max(float(np.linalg.norm(aside)), 1e-6)
    axes = np.stack([outwards, aside, np.cross(outwards, aside)])
    flat, stretch = rng.uniform(*FLATNESS), rng.uniform(*STRETCHES)
    radii = shape.radius_mm * np.array([flat, stretch / np.sqrt(flat), 1 / (stretch * np.sqrt(flat))])
    out_mm = radii[0] - min(2 * radii[0] * shape.embedded, shape.wall_mm)
    centre = place + axes[0] * out_mm / spacing_mm
    from_centre = np.indices(under_skin.shape, dtype=np.float32) - centre[:, None, None, None]
    return np.tensordot(axes * spacing_mm, from_centre, axes=1).astype(np.float32), radii.astype(np.float32)


def _with_skin(image: Image, under_skin: Image, lifted: Image, noise: Image) -> Image:
    """Return an image whose air is tissue where the body was lifted, as bright as its skin."""
    skin = image[(under_skin > 0.2) & (under_skin < 0.7)]
    level = np.float32(np.median(skin) if skin.size else 0.0)
    before, after = coverage(under_skin), coverage(lifted)
    gained = np.clip((after - before) / np.maximum(1 - before, 1e-3), 0, 1)
    return np.asarray(image + gained * (level + noise - image), dtype=np.float32)


def _draw_box(example: Example, shape: Shape, *, rng: np.random.Generator) -> tuple[Box, Point] | None:
    """Return a box with room for a tumor at a random place of the trunk's skin, and that place in it; or nothing."""
    bulge_mm = 2 * shape.radius_mm - min(2 * shape.radius_mm * shape.embedded, shape.wall_mm)
    place = _draw_surface(example, max(bulge_mm, 0) + COVER_MM, rng=rng)
    if place is None:
        return None
    half = np.ceil((REACH * shape.radius_mm + MARGIN_MM) / example.spacing_mm).astype(int)
    low, high = np.maximum(place - half, 0), np.minimum(place + half + 1, example.image.shape)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    reach = np.ceil((REACH * shape.radius_mm + 1.0) / example.spacing_mm)
    if any((np.abs(tumor - place) <= reach).all(axis=1).any() for tumor in example.tumors):
        return None
    return (z, y, x), (place - low).astype(np.float64)


def _draw_surface(example: Example, air_mm: float, *, rng: np.random.Generator) -> Places | None:
    """Return a voxel of the skin of the trunk with so much air before it, or nothing where there is less."""
    if not len(example.skin):
        return None
    number = rng.integers(len(example.skin))
    steps = np.arange(-INWARDS_MM, OUTWARDS_MM + air_mm, example.spacing_mm) / example.spacing_mm
    voxels = np.rint(example.skin[number] + np.outer(steps, example.outwards[number])).astype(np.intp)
    voxels = voxels[((voxels >= 0) & (voxels < example.image.shape)).all(axis=1)]
    is_body = example.image[tuple(voxels.T)] > example.anchor_hu - BODY_BELOW_HU
    if is_body.all() or not is_body[:1].all():
        return None
    first_air = int(is_body.argmin())
    if is_body[first_air : first_air + int(np.ceil(air_mm / example.spacing_mm))].any():
        return None  # a bed, or a leg
    return np.asarray(voxels[first_air - 1])


def _joined(example: Example, box: Box, pasted: Image, mask: Mask) -> tuple[Example, Places]:
    """Return an example with a part of its image replaced, and a tumor there that every head shows."""
    image = example.image.copy()
    image[box] = np.rint(np.clip(pasted, -32768, 32767)).astype(np.int16)
    whole = union_box([box, example.box])
    targets = np.zeros((len(example.targets), *(axis.stop - axis.start for axis in whole)), np.uint8)
    targets[:, *_inside(example.box, whole)] = example.targets
    place = targets[:, *_inside(box, whole)]
    np.maximum(place, mask * np.uint8(WHOLE), out=place)
    voxels = np.argwhere(mask) + np.array([axis.start for axis in box])
    tumors = (*example.tumors, voxels)
    hint = example.hint and with_lesion(example.hint, voxels)
    return replace(example, image=image, targets=targets, box=whole, tumors=tumors, hint=hint), voxels


def _inside(box: Box, whole: Box) -> Box:
    """Return a box as counted from the start of another."""
    z, y, x = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, whole, strict=True))
    return z, y, x
