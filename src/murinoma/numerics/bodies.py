"""The flesh around skeletons: which voxels are whose body, and which are bed, cable or box."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from murinoma.numerics.blocks import CORNERS, Image, Labels, Mask, dilate, erode, spread

DEPTHS_MM = (4.0, 2.8, 2.0)  # bodies meet in thin contacts, and are parted where they are thickest
BONE_HU = 350.0  # over soft tissue, in voxels of about 0.4 mm
TISSUE_BELOW_HU = 300.0  # so far under soft tissue a voxel still counts as skin; the gap over a bed is darker
LUNG_MM, LUNG_OVER_AIR_HU = 1.6, 200.0
OPEN_SHARE = 0.05  # of a lung's voxels may touch the outside
THIN_BONE_MM = 4.0  # so far thin bones are followed from the skeleton; further on a bright bed may be
BONE_COVER_MM = 1.8  # flesh over bones that are too thin to be a body: paws, tail
FOLD_MM = 6.0  # thin parts that end so near are skin folds and ears
LIMB_MM = (25.0, 10.0)  # longest and second extent of a limb without visible bone; beds and tubes are larger
REACH_MM = 30.0  # flesh further from every bone than this belongs to no mouse
BED_RUN_MM = 30.0  # a bed seen before and behind a voxel, within this, runs through it too
SPECK_MM3 = 5.0  # of a body, apart from it
HOLE_MM2 = 200.0  # air inside a body: lungs, gut
PARTING_DEPTHS_MM = (*DEPTHS_MM, 1.2, 0.8, 0.4)  # where there is no bed any more
SEAM_MM, SEAM_HU = 2.0, 60.0  # a seam is no thicker, and by so much darker than what it runs through
SMOOTH_MM = 3.0  # a part of a mouse that lies on another and has no bone is thicker than half of it
ISLAND_MM3 = 20.0  # less of one mouse amid another is the other's
BONY_SPECK_MM3 = 1.0  # with bone in it; a paw that is seen apart from its mouse is more
MINOR_SHARE = 0.05  # of the seeds in a piece: with less a mouse does not own it


@dataclass(frozen=True)
class Tissue:
    """What bodies are told by: levels of soft tissue and air, HU, and the array axis along which they lie."""

    soft_hu: float
    air_hu: float
    axis: int


def bodies(image: Image, bones: Labels, spacing_mm: float, tissue: Tissue) -> Labels:
    """Return whose body each voxel is.

    Parameters
    ----------
    image
        Means of blocks of about 0.4 mm, HU, shape (z, y, x).
    bones
        Numbers of the skeletons on the same grid, 0 elsewhere.
    spacing_mm
        Of the blocks, mm.
    tissue
        Levels of soft tissue and air, and the body axis.

    Returns
    -------
    uint8 labels of the same shape, numbered as the bones.
    """
    half = (tissue.soft_hu - tissue.air_hu) / 2  # a voxel half in air
    flesh = image > tissue.soft_hu - min(TISSUE_BELOW_HU, half)
    lung = lungs(image, flesh, tissue.air_hu, spacing_mm)
    flesh |= lung
    bones = grown_bones(image > tissue.soft_hu + BONE_HU, bones.astype(np.uint8), spacing_mm)
    steps = [max(1, round(depth / spacing_mm)) for depth in DEPTHS_MM]
    labels = thick_parts(flesh, bones, steps, round(REACH_MM / spacing_mm))
    labels, _ = spread(labels, flesh, steps[-1] + 1)
    covered, _ = spread(bones, flesh, round(BONE_COVER_MM / spacing_mm))
    labels = np.where(labels > 0, labels, covered)
    labels, bed = with_loose_parts(labels, flesh, spacing_mm)
    labels[runs_through(bed, tissue.axis, round(BED_RUN_MM / spacing_mm)) & (bones == 0)] = 0
    labels, _ = spread(labels, (image > tissue.soft_hu - half) & ~bed, 1)
    labels = without_specks(labels, bones, SPECK_MM3 / spacing_mm**3)
    labels = parted(labels, bones, np.minimum(image, tissue.soft_hu), spacing_mm)  # between two ribs is no seam
    return without_open_air(filled(labels, tissue.axis, HOLE_MM2 / spacing_mm**2), lung)


def parted(labels: Labels, bones: Labels, image: Image, spacing_mm: float) -> Labels:
    """Return bodies with those that touch parted anew, at thin necks and where a dark seam runs between two skins.

    Beds are left out by now, so that parts too thin to be told from a bed can be told from each other: a paw on
    another's flank hangs on its own arm by more than on the flank.
    """
    pieces, _ = ndimage.label(labels > 0)
    anew = labels.copy()
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        whole = pieces[box] == number
        owners = labels[box][whole]
        if (owners != owners[0]).any():
            own_bones = np.where(whole, bones[box], np.uint8(0))
            anew[box][whole] = parted_piece(labels[box], whole, own_bones, image[box], spacing_mm)[whole]
    return anew


def parted_piece(labels: Labels, whole: Mask, bones: Labels, image: Image, spacing_mm: float) -> Labels:
    """Return the labels of one piece, parted anew; where no bone leads they stay as they were."""
    reach = round(REACH_MM / spacing_mm)
    inside = whole & ~seams(image, spacing_mm)
    steps = [max(1, round(depth / spacing_mm)) for depth in PARTING_DEPTHS_MM]
    anew, _ = spread(thick_parts(inside, bones, steps, reach), inside, reach)
    anew, _ = spread(anew, whole, reach)
    anew = np.where(anew > 0, anew, labels)
    bony, _ = spread(bones, whole, round(BONE_COVER_MM / spacing_mm))
    anew = np.where(bony == anew, anew, smoothed(anew, spacing_mm))
    anew = without_islands(anew, ISLAND_MM3 / spacing_mm**3)
    anew, _ = spread(anew, whole, reach)
    return np.where(anew > 0, anew, labels)


def seams(image: Image, spacing_mm: float) -> Mask:
    """Return sheets that are darker than what lies on either side: where two skins touch, or a fold is."""
    smooth = ndimage.uniform_filter(image, 3)
    across = 2 * round(SEAM_MM / 2 / spacing_mm) + 1
    closed = ndimage.minimum_filter(ndimage.maximum_filter(smooth, across), across)
    seam: Mask = closed - smooth > SEAM_HU
    return seam


def smoothed(labels: Labels, spacing_mm: float) -> Labels:
    """Return for each voxel the label of which there is most around it: so that no skin runs out over a neighbour."""
    around = 2 * round(SMOOTH_MM / 2 / spacing_mm) + 1
    most = np.zeros(labels.shape, np.float32)
    smooth = np.zeros_like(labels)
    for number in np.unique(labels[labels > 0]):
        share = ndimage.uniform_filter((labels == number).astype(np.float32), around, mode="constant")
        smooth[share > most] = number
        np.maximum(most, share, out=most)
    return np.where(labels > 0, smooth, labels)


def without_islands(labels: Labels, least_voxels: float) -> Labels:
    """Return labels without the small pieces of each that are cut off from the rest of it."""
    kept = labels.copy()
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        pieces, _ = ndimage.label(labels[box] == number)
        is_small = np.bincount(pieces.ravel()) < least_voxels
        is_small[0] = False
        kept[box][is_small[pieces]] = 0
    return kept


def lungs(image: Image, flesh: Mask, air_hu: float, spacing_mm: float) -> Mask:
    """Return what is neither flesh nor air over more than about 2 mm: without it a chest is two thin walls.

    The narrow gap over a bed, where air and plastic mix, is no lung.
    """
    steps = max(1, round(LUNG_MM / 2 / spacing_mm))
    between = (image > air_hu + LUNG_OVER_AIR_HU) & ~flesh
    lung: Mask = dilate(erode(between, steps), steps + 1) & between
    return lung


def grown_bones(bright: Mask, bones: Labels, spacing_mm: float) -> Labels:
    """Return the skeletons with the thin bones that hang on them."""
    grown, _ = spread(np.where(bright, bones, np.uint8(0)), bright, round(THIN_BONE_MM / spacing_mm))
    return grown


def thick_parts(flesh: Mask, bones: Labels, steps: list[int], reach: int) -> Labels:
    """Return the owners of voxels that lie deep in the tissue, by the pieces that erosion leaves.

    A piece with bones of one mouse is that mouse's; one with several is shared out by distance within it, starting
    from what deeper levels gave. So a tumor that touches the neighbour stays with its own mouse.
    """
    cores = [erode(flesh, steps[-1])]
    for deeper, step in zip(steps[-2::-1], steps[:0:-1], strict=True):
        cores.insert(0, erode(cores[0], deeper - step))
    labels = np.zeros(flesh.shape, np.uint8)
    for core in cores:
        seeds = np.where(core & (labels == 0), bones, labels)
        labels = shared_out(core, seeds, reach)
    return labels


def shared_out(core: Mask, seeds: Labels, reach: int) -> Labels:
    """Return the seeds spread over the pieces of a mask that hold some.

    A mouse owns a piece only if it has more than a twentieth of the seeds in it: where two mice are pressed together,
    a few stray seeds must not divide one animal.
    """
    pieces, count = ndimage.label(core)
    highest = int(seeds.max()) + 1
    seeded = (seeds > 0) & (pieces > 0)
    held = np.bincount(pieces[seeded] * highest + seeds[seeded], minlength=(count + 1) * highest)
    held = held.reshape(count + 1, highest)
    owners = (held > MINOR_SHARE * held.sum(axis=1, keepdims=True)).sum(axis=1)
    single = np.where(owners == 1, held.argmax(axis=1), 0).astype(np.uint8)[pieces]
    labels: Labels = np.where(single > 0, single, seeds)
    if (owners > 1).any():
        labels, _ = spread(labels, (owners > 1)[pieces], reach)
    return labels


def with_loose_parts(labels: Labels, flesh: Mask, spacing_mm: float) -> tuple[Labels, Mask]:
    """Return the bodies with the thin parts on them that end (ears, skin folds, limbs), and what does not: bed."""
    loose, count = ndimage.label(flesh & (labels == 0))
    _, taken = spread(labels, flesh, round(FOLD_MM / spacing_mm))
    far = np.zeros(count + 1, bool)
    far[loose[taken == 255]] = True
    for number, box in enumerate(ndimage.find_objects(loose), start=1):
        sizes = sorted((part.stop - part.start) * spacing_mm for part in box)
        far[number] &= sizes[1] > LIMB_MM[1] or sizes[2] > LIMB_MM[0]
    far[0] = False
    bed = far[loose]
    whole, _ = spread(labels, flesh & ~bed, round(LIMB_MM[0] / spacing_mm))
    return whole, bed


def runs_through(bed: Mask, axis: int, reach: int) -> Mask:
    """Return the voxels with bed before and behind them along an axis, at most `reach` voxels away together."""
    along = np.moveaxis(bed, axis, 0)
    place = np.arange(len(along), dtype=np.int16)[:, None, None]
    never = np.int16(2 * len(along) + 2 * reach)
    before = np.maximum.accumulate(np.where(along, place, -never), axis=0)
    behind = np.minimum.accumulate(np.where(along, place, never)[::-1], axis=0)[::-1]
    through: Mask = np.moveaxis(behind - before <= reach, 0, axis)
    return through


def without_specks(labels: Labels, bones: Labels, least_voxels: float) -> Labels:
    """Return the bodies without small pieces that are not joined to them and hold no bone."""
    pieces, count = ndimage.label(labels > 0, CORNERS)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    bony = np.zeros(count + 1, bool)
    bony[pieces[bones > 0]] = True
    kept = sizes >= np.where(bony, BONY_SPECK_MM3 / SPECK_MM3, 1.0) * least_voxels
    return np.where(kept[pieces], labels, np.uint8(0))


def filled(labels: Labels, axis: int, largest_voxels: float) -> Labels:
    """Return the bodies with the holes that one surrounds in a slice across `axis`, up to a size."""
    flat = np.ones((3, 3, 3), bool)
    flat[(slice(None),) * axis + ([0, 2],)] = False
    flat &= ndimage.generate_binary_structure(3, 1)
    holes, count = ndimage.label(labels == 0, flat)
    small = np.bincount(holes.ravel(), minlength=count + 1) <= largest_voxels
    small[0] = False
    for other in range(3):
        if other != axis:
            small[np.moveaxis(holes, other, 0)[[0, -1]]] = False
    inside = small[holes]
    whole, _ = spread(labels, inside, 60)
    return whole


def without_open_air(labels: Labels, lung: Mask) -> Labels:
    """Return the bodies without those parts taken for lungs that lie open to the outside: streaks between limbs."""
    pieces, count = ndimage.label(lung & (labels > 0))
    edge = pieces[dilate(labels == 0, 1)]
    total = np.bincount(pieces.ravel(), minlength=count + 1)
    is_open = np.bincount(edge, minlength=count + 1) > OPEN_SHARE * total
    is_open[0] = False
    return np.where(is_open[pieces], np.uint8(0), labels)
