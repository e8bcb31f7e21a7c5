"""Which bones belong to which mouse: fragments of bright voxels, joined through flesh into skeletons."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.numerics.blocks import CORNERS, Image, Labels, Mask, dilate, erode, neighbours, spread

Spacing = tuple[float, float, float]
FIRST_BONE_HU = 450.0  # bone before the soft tissue is known: holds for soft tissue from -120 to +80 HU
SOFT_RANGE_HU = (-250, 250)  # where soft tissue is looked for
THICK_MM = 4.4
TRUNK_SHARE = 0.15  # of the largest piece of bone in thick flesh; a thigh is less
LARGEST_LIMB = 0.14  # of an animal's bones in one piece; what is more belongs to its trunk
SURE_MM = 4.0  # a limb is an animal's if every other trunk is so much further
MUSCLE_BELOW_HU = 150.0  # the skins between two animals that touch are darker
LIMB_MM = 60.0  # the longest way from a trunk to a paw
FLESH_BELOW_HU = 320.0  # so far under soft tissue a voxel of about 0.8 mm still holds some
FRAGMENT_MM3 = 1.0  # fewer bright voxels are noise
LEAP_MM = 20.0  # where a spine is too thin to be seen; wider gaps between bones of one animal do not occur
NEAR_MM = 7.0  # over wider gaps only bones that follow one another along the body are joined
GRIP_MM = 3.0  # gaps inside one animal that is seen in part
WHOLE_MM = 55.0  # two fragments of this length are two animals even if they follow one another
LONG_MM = 40.0  # two fragments side by side for so long are two animals: no limb is as long
BESIDE_MM = 25.0  # two heavy ones apart from each other are so after less; tails, that run on alone, do not count
WIDEST_MM, LONGEST_MM = 52.0, 130.0
BARE_MM = 45.0  # a bone with little flesh on it (a limb) is shorter
FLESHY_SHARE = 0.5  # of the surroundings of a bone; a cable has air around it


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The bones of one animal, or of what may be one.

    Attributes
    ----------
    label
        Its number in the labels.
    volume_mm3
        Of its bright voxels.
    low_mm, high_mm
        First and last place of its bones along (z, y, x), mm; without the outermost hundredth at either end.
    in_flesh
        Share of its bones that lies in tissue thicker than 4 mm.
    thinness_mm
        Standard deviation of the bones' places in the direction where it is least: small in a rod or a sheet.
    """

    label: int
    volume_mm3: float
    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]
    in_flesh: float
    thinness_mm: float

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Extent of the bones along (z, y, x), mm."""
        z, y, x = (high - low for low, high in zip(self.low_mm, self.high_mm, strict=True))
        return z, y, x


@dataclass(frozen=True, eq=False)
class Skeletons:
    """All skeletons of a field: labels (z, y, x) of the coarse image, one entry per number, and the bodies' axis.

    `bare` are large bright pieces that lie in air for the most part, and are in no label: cables, bright beds.
    """

    labels: Labels
    found: tuple[Skeleton, ...]
    bare: tuple[Skeleton, ...]
    axis: int


def soft_tissue_hu(coarse: Image, spacing_mm: Spacing) -> float | None:
    """Return the most frequent HU of the flesh around bones, or None where there is none.

    Parameters
    ----------
    coarse
        Means of blocks of about 0.8 mm, HU, shape (z, y, x).
    spacing_mm
        Of the blocks along (z, y, x), mm.
    """
    bones = coarse > FIRST_BONE_HU
    if not bones.any():
        return None
    near, far = (dilate(bones, round(reach / step_mm(spacing_mm))) for reach in (1.6, 8.0))
    inner = erode(coarse > SOFT_RANGE_HU[0], 2)  # without the edges, where tissue and air mix
    counts, edges = np.histogram(
        coarse[far & ~near & inner], bins=np.arange(SOFT_RANGE_HU[0], SOFT_RANGE_HU[1] + 1, 10)
    )
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 2.0)
    return float(edges[smooth.argmax()] + 5) if counts.any() else None


def find_skeletons(coarse: Image, spacing_mm: Spacing, soft_hu: float, bone_hu: float) -> Skeletons:
    """Return the bones above a level, joined into skeletons.

    Parameters
    ----------
    coarse
        Means of blocks of about 0.8 mm, HU, shape (z, y, x).
    spacing_mm
        Of the blocks along (z, y, x), mm.
    soft_hu, bone_hu
        Level of soft tissue, and how far above it bone begins, HU.

    Returns
    -------
    Every piece that is not noise, the heaviest first; whether one is a mouse is for the caller to judge.
    """
    step = step_mm(spacing_mm)
    flesh = coarse > soft_hu - FLESH_BELOW_HU
    fragments, count = ndimage.label(coarse > soft_hu + bone_hu, CORNERS)
    sizes = np.bincount(fragments.ravel(), minlength=count + 1) * step**3
    sizes[0] = 0
    fragments, bare = without_bare(renumber(fragments, sizes >= FRAGMENT_MM3), flesh, step)
    axis = body_axis(fragments, spacing_mm)
    labels, taken = spread(fragments, flesh, round(LEAP_MM / 2 / step))
    joined = join(fragments, gaps(labels, taken), axis, spacing_mm)[fragments]
    found, aside = (describe(labels, thick_flesh(flesh, step), spacing_mm) for labels in (joined, bare))
    return Skeletons(joined, found, aside, axis)


def thick_flesh(flesh: Mask, step: float) -> Mask:
    """Return the flesh without what is thinner than about 4 mm."""
    steps = round(THICK_MM / 2 / step)
    return dilate(erode(flesh, steps), steps)


def limbs_by_trunk(skeletons: Skeletons, coarse: Image, spacing_mm: Spacing, soft_hu: float) -> Skeletons:
    """Return the skeletons with every limb given to the trunk that it is nearest to; a doubtful one is in no label.

    Where the paws of two animals meet, a whole leg may have been counted to the wrong animal; but its way through
    flesh to its own trunk is the shorter one. Where two ways are about as long, bones cannot tell, and flesh must.
    """
    step = step_mm(spacing_mm)
    flesh = coarse > soft_hu - FLESH_BELOW_HU
    labels = skeletons.labels
    if not gaps(*spread(labels, flesh, round(GRIP_MM / step))):
        return skeletons
    around, _ = spread(labels, flesh, 1)
    trunks = trunks_of(labels, around, thick_flesh(flesh, step))
    limbs, count = pieces_of(np.where(trunks > 0, 0, labels), around)
    if not count:
        return skeletons
    muscle = (coarse > soft_hu - MUSCLE_BELOW_HU) | (labels > 0)
    ways = np.array([ways_mm(trunks == one.label, muscle, limbs, count, step) for one in skeletons.found])
    owners = np.zeros(count + 1, labels.dtype)
    owners[limbs] = labels
    own = ways[owners[1:] - 1, np.arange(count)]
    ways[owners[1:] - 1, np.arange(count)] = np.inf
    nearer = own - ways.min(axis=0)
    given = np.where(nearer >= SURE_MM, ways.argmin(axis=0) + 1, np.where(nearer > -SURE_MM, 0, owners[1:]))
    given = np.append(0, given).astype(labels.dtype)
    return replace(skeletons, labels=np.where(limbs > 0, given[limbs], labels))


def ways_mm(trunk: Mask, flesh: Mask, limbs: Labels, count: int, step: float) -> npt.NDArray[np.float64]:
    """Return how far through flesh each of the limbs 1, 2, ... `count` is from a trunk on average, mm, at most 60."""
    most = min(250, round(LIMB_MM / step))
    _, taken = spread(trunk.astype(np.uint8), flesh, most)
    ways: npt.NDArray[np.float64] = ndimage.mean(np.minimum(taken, most), limbs, np.arange(1, count + 1)) * step
    return ways


def trunks_of(labels: Labels, around: Labels, thick: Mask) -> Labels:
    """Return of each skeleton the large pieces of bone in thick flesh, and what is too much for a limb."""
    trunks = np.zeros_like(labels)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        own = labels[box] == number
        deep, _ = ndimage.label(own & thick[box], CORNERS)
        whole, _ = ndimage.label(around[box] == number, CORNERS)
        deep_sizes, whole_sizes = np.bincount(deep.ravel()), np.bincount(whole[own])
        deep_sizes[0] = 0
        is_large = (deep > 0) & (deep_sizes >= TRUNK_SHARE * deep_sizes.max())[deep]
        is_large[own] |= (whole_sizes >= LARGEST_LIMB * own.sum())[whole[own]]
        trunks[box][is_large] = number
    return trunks


def pieces_of(labels: Labels, around: Labels) -> tuple[Labels, int]:
    """Return the pieces that hang together in their surroundings, and their number; no piece has two labels."""
    pieces = np.zeros(labels.shape, np.int32)
    count = 0
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        own = labels[box] == number
        parts, more = ndimage.label(around[box] == number, CORNERS)
        held = np.bincount(parts[own], minlength=more + 1) > 0
        pieces[box][own] = renumber(parts, held)[own] + count
        count += int(held.sum())
    return pieces, count


def step_mm(spacing_mm: Spacing) -> float:
    """Return the edge of a cube of a voxel's volume, mm: how far a step of one voxel goes."""
    return float(np.cbrt(np.prod(spacing_mm)))


def renumber(labels: npt.NDArray[np.integer], kept: npt.NDArray[np.bool_]) -> Labels:
    """Return labels 1, 2, ... of the numbers that are kept (bool, one entry per number), else 0."""
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    renumbered: Labels = numbers[labels]
    return renumbered


def surroundings(labels: Labels, flesh: Mask, step: float) -> npt.NDArray[np.float64]:
    """Return for every number the share of flesh among the voxels about 1.6 mm around it."""
    steps = max(2, round(1.6 / step))
    around, taken = spread(labels, np.ones(labels.shape, bool), steps)
    shell = taken == steps
    count = labels.max() + 1
    total = np.bincount(around[shell], minlength=count)
    share: npt.NDArray[np.float64] = np.bincount(around[shell & flesh], minlength=count) / np.maximum(total, 1)
    return share


def without_bare(fragments: Labels, flesh: Mask, step: float) -> tuple[Labels, Labels]:
    """Return the fragments without long ones that lie in air (cables, needles, edges of a bed), and those."""
    if not fragments.any():
        return fragments, fragments
    fleshy = surroundings(fragments, flesh, step) >= FLESHY_SHARE
    longest = [max(part.stop - part.start for part in box) * step for box in ndimage.find_objects(fragments)]
    kept = fleshy | (np.array([0.0, *longest]) < BARE_MM)
    kept[0] = False
    bare = ~kept
    bare[0] = False
    return renumber(fragments, kept), renumber(fragments, bare)


def body_axis(fragments: Labels, spacing_mm: Spacing) -> int:
    """Return the array axis along which the fragments are longest; 0 where there are none."""
    places = np.argwhere(fragments)
    if not len(places):
        return 0
    numbers = fragments[tuple(places.T)]
    total = np.bincount(numbers)
    scatter = []
    for place in (places * spacing_mm).T:
        mean = np.bincount(numbers, weights=place) / np.maximum(total, 1)
        scatter.append(float(((place - mean[numbers]) ** 2).sum()))
    return int(np.argmax(scatter))


def gaps(labels: Labels, taken: npt.NDArray[np.uint8]) -> dict[tuple[int, int], int]:
    """Return for each pair of fragments whose surroundings meet how many voxels of flesh lie between them."""
    shortest: dict[tuple[int, int], int] = {}
    for here, there in neighbours()[::2]:
        met = (labels[here] != labels[there]) & (labels[here] > 0) & (labels[there] > 0)
        pairs = np.sort(np.stack([labels[here][met], labels[there][met]], axis=1), axis=1)
        steps = taken[here][met].astype(int) + taken[there][met]
        for (a, b), gap in zip(pairs.tolist(), steps.tolist(), strict=True):
            shortest[a, b] = min(gap, shortest.get((a, b), gap))
    return shortest


@dataclass(frozen=True, eq=False)
class _Group:
    """Fragments joined so far: voxels per slice along the body axis, and corners of their box, mm."""

    profile: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def join(
    fragments: Labels, gap_voxels: dict[tuple[int, int], int], axis: int, spacing_mm: Spacing
) -> npt.NDArray[np.int64]:
    """Return the skeleton's number of each fragment's number: nearest first, never two animals into one."""
    groups = _groups(fragments, axis, spacing_mm)
    owner = list(range(len(groups) + 1))
    largest = max((int(group.profile.sum()) for group in groups.values()), default=0)
    for (a, b), gap in sorted(gap_voxels.items(), key=lambda item: (item[1], item[0])):
        first, second = sorted((_root(owner, a), _root(owner, b)))
        pair = groups[first], groups[second]
        if (
            first == second
            or are_two(*pair, gap * step_mm(spacing_mm), spacing_mm[axis], largest)
            or too_large(*pair, axis)
        ):
            continue
        owner[second] = first
        groups[first] = _Group(
            pair[0].profile + pair[1].profile,
            np.minimum(pair[0].low, pair[1].low),
            np.maximum(pair[0].high, pair[1].high),
        )
    return np.array([_root(owner, number) for number in range(len(owner))])


def _groups(fragments: Labels, axis: int, spacing_mm: Spacing) -> dict[int, _Group]:
    """Return each fragment as a group of its own."""
    groups = {}
    for number, box in enumerate(ndimage.find_objects(fragments), start=1):
        other = tuple(at for at in range(3) if at != axis)
        profile = np.zeros(fragments.shape[axis], np.int64)
        profile[box[axis]] = (fragments[box] == number).sum(axis=other)
        low, high = (np.array([getattr(part, end) for part in box]) * spacing_mm for end in ("start", "stop"))
        groups[number] = _Group(profile, low, high)
    return groups


def _root(owner: list[int], number: int) -> int:
    """Return the number that stands for a group, shortening the way to it."""
    while owner[number] != number:
        owner[number] = owner[owner[number]]
        number = owner[number]
    return number


def are_two(a: _Group, b: _Group, gap_mm: float, spacing_mm: float, largest: int) -> bool:
    """Tell whether two groups lie side by side as two animals do."""
    long_a, long_b = (int(np.count_nonzero(group.profile)) * spacing_mm for group in (a, b))
    beside = int(np.count_nonzero((a.profile > 0) & (b.profile > 0))) * spacing_mm
    shorter = min(long_a, long_b)
    if gap_mm > NEAR_MM and (beside > 0.3 * shorter or shorter >= WHOLE_MM):
        return True
    mostly = beside >= 0.6 * shorter
    if mostly and shorter >= LONG_MM:
        return True
    heavy = min(a.profile.sum(), b.profile.sum()) >= 0.25 * largest
    return bool(heavy and gap_mm > GRIP_MM and (beside >= BESIDE_MM or (mostly and shorter >= 12)))


def too_large(a: _Group, b: _Group, axis: int) -> bool:
    """Tell whether two groups together are larger than a mouse's skeleton."""
    size = np.maximum(a.high, b.high) - np.minimum(a.low, b.low)
    limits = np.where(np.arange(3) == axis, LONGEST_MM, WIDEST_MM)
    return bool((size > limits).any())


def describe(labels: Labels, thick: Mask, spacing_mm: Spacing) -> tuple[Skeleton, ...]:
    """Return what each number's bones are like, the heaviest first; those under 20 mm3 are left out."""
    found = []
    least = max(20 / np.prod(spacing_mm), 8)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        own = labels[box] == number if box else np.zeros(0, bool)
        if own.sum() >= least:
            places = (np.argwhere(own) + [part.start for part in box] + 0.5) * spacing_mm
            found.append(_described(number, places, spacing_mm, float(thick[box][own].mean())))
    return tuple(sorted(found, key=lambda skeleton: -skeleton.volume_mm3))


def _described(number: int, places: npt.NDArray[np.float64], spacing_mm: Spacing, in_flesh: float) -> Skeleton:
    """Return a skeleton from the places of its voxels, mm, shape (voxels, 3)."""
    low, high = (tuple(ends.tolist()) for ends in np.percentile(places, (1, 99), axis=0))
    thinness = float(np.sqrt(max(np.linalg.eigvalsh(np.cov(places.T))[0], 0)))
    return Skeleton(number, len(places) * float(np.prod(spacing_mm)), low, high, in_flesh, thinness)


def with_fewer(skeletons: Skeletons, kept: list[Skeleton]) -> Skeletons:
    """Return only some skeletons, numbered 1, 2, ... in the order given."""
    numbers = np.zeros(skeletons.labels.max() + 1, np.int32)
    numbers[[skeleton.label for skeleton in kept]] = np.arange(1, len(kept) + 1)
    found = tuple(replace(skeleton, label=number) for number, skeleton in enumerate(kept, start=1))
    return replace(skeletons, labels=numbers[skeletons.labels], found=found)
