"""The same lesion, the same number on every day: tumors of one mouse matched in coordinates of its body.

A mouse is never laid twice alike. Its bones, seen from the axis of its body, are a map: share of the length against the
angle about the axis. Two days' maps are laid over each other, turned about the axis, head and tail exchanged where that
fits better; after that a tumor is where it was. What is not settled: a scan stored as its mirror image, and a mouse so
bent that its axis is no line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from murinoma.errors import InputError

ALONG, AROUND = 40, 36  # cells of a map: shares of the length, angles about the axis
DEGREES = 360 / AROUND
MOST_SHIFT = 3  # cells along the body: nose and tail end where the animal is thick enough, not at a bone
FLANK_MM = 11.0  # from the axis to the skin of a mouse; angles become millimetres with it
REACH_MM = 10.0  # a tumor further from where a lesion was is another one
SURE_MM = 6.0  # nearer than this is what pose and growth do
CLEARER_MM = 3.0  # by so much the next lesion must be further away
LEAST_LIKENESS = 0.5  # correlation of two maps of one mouse
LEAST_LEAD = 0.04  # of the best way to lay them over each other, to the best one that is clearly different
OTHER_WAY_DEG = 45.0  # a turn that differs by more is clearly different

Map = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """Where a tumor lies in the body: share of the length, 0..1, angle about the axis, degrees; and its volume, mm3."""

    along: float
    angle_deg: float
    volume_mm3: float


@dataclass(frozen=True, eq=False)
class BodyView:
    """One scan as it is seen here.

    Attributes
    ----------
    bones
        (40, 36), at least 0: how much bone lies at each share of the length and each angle.
    length_mm
        Of the body.
    places
        Number of a tumor in this scan's mask -> where it lies.

    Raises
    ------
    InputError
        If the map has another shape.
    """

    bones: Map
    length_mm: float
    places: Mapping[int, Place]

    def __post_init__(self) -> None:
        if self.bones.shape != (ALONG, AROUND):
            raise InputError(f"a map of bones has the shape {(ALONG, AROUND)}, not {self.bones.shape}")


@dataclass(frozen=True)
class Identity:
    """What became of the tumors of one scan.

    Attributes
    ----------
    lesions
        Number in this scan's mask -> lesion, the number on all days.
    doubts
        Number in the mask -> why that is doubtful; who is not in it is not doubted.
    places
        Number in the mask -> where it lies in the frame of the mouse's first scan.
    """

    lesions: Mapping[int, int]
    doubts: Mapping[int, str] = field(default_factory=dict)
    places: Mapping[int, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """How one day's map is laid over another's.

    Attributes
    ----------
    flipped
        Its ends are exchanged.
    steps, shift
        Cells that it is then turned about the axis, and shifted along it.
    likeness, lead
        Correlation of the two, and by how much it is higher than the best clearly different way's.
    """

    flipped: bool
    steps: int
    shift: int
    likeness: float = 1.0
    lead: float = 1.0

    @property
    def doubt(self) -> str:
        """Why this is doubtful; empty if it is not."""
        if self.likeness < LEAST_LIKENESS:
            return f"the skeleton is not like that of any earlier day (correlation {self.likeness:.2f})"
        if self.lead < LEAST_LEAD:
            return "the skeleton fits an earlier day's in two ways"
        return ""

    def __call__(self, place: Place) -> Place:
        """Return a place of the one day in the frame of the other."""
        along, angle = (1 - place.along, -place.angle_deg) if self.flipped else (place.along, place.angle_deg)
        return Place(along + self.shift / ALONG, (angle + self.steps * DEGREES) % 360, place.volume_mm3)


def identify(views: Sequence[BodyView | None], *, told: Sequence[Mapping[int, int]] = ()) -> list[Identity]:
    """Return which lesion every tumor of one mouse is.

    Lesions are numbered as the tumors of the first scan; what comes later gets the next number, and what has vanished
    keeps its own. Each scan is compared with those before it alone, so a new day changes no earlier number.

    Parameters
    ----------
    views
        The mouse's scans in order of time; None where the body is not known: of its tumors only those are matched that
        people told.
    told
        For each scan what people say, number in the mask -> lesion: it wins, and is not doubted.

    Examples
    --------
    >>> bones = np.zeros((40, 36), np.uint8)
    >>> bones[5:35, 9] = bones[30:, 9:12] = 200
    >>> left, right = Place(0.3, 200.0, 90.0), Place(0.3, 340.0, 50.0)
    >>> days = [BodyView(bones, 85.0, {1: left, 2: right}), BodyView(bones, 85.0, {1: right})]
    >>> [dict(day.lesions) for day in identify(days)]
    [{1: 1, 2: 2}, {1: 2}]
    """
    said = [*told, *({} for _ in range(len(views) - len(told)))]
    mouse = _Mouse()
    return [mouse.meet(view, numbers) for view, numbers in zip(views, said, strict=True)]


@dataclass
class _Mouse:
    """What is known of a mouse: its maps in the frame of the first, and where each lesion was seen last."""

    maps: list[Map] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    length_mm: float = 0.0
    lesions: dict[int, Place] = field(default_factory=dict)

    def meet(self, view: BodyView | None, told: Mapping[int, int]) -> Identity:
        """Return which lesions a scan shows, and remember them."""
        self.told |= set(told.values())
        if view is None:
            return Identity(dict(told))
        turn = self._turn(view)
        places = {number: turn(place) for number, place in sorted(view.places.items())}
        given = {number: lesion for number, lesion in told.items() if number in places}
        free = {number: place for number, place in places.items() if number not in given}
        known = {lesion: place for lesion, place in self.lesions.items() if lesion not in given.values()}
        found, doubts = matched(free, known, self.length_mm)
        if turn.doubt and self.lesions:
            doubts = dict.fromkeys(free, turn.doubt)
        fresh = 1 + max((*self.lesions, *self.told), default=0)
        found |= {number: fresh + at for at, number in enumerate(n for n in free if n not in found)}
        lesions = {number: given[number] if number in given else found[number] for number in places}
        self.lesions |= {lesion: places[number] for number, lesion in lesions.items()}
        return Identity(lesions, doubts, places)

    def _turn(self, view: BodyView) -> Turn:
        """Return how a scan lies in the frame of the first, by the earlier scan that it is most like."""
        if self.maps:
            turn = max((laid_over(earlier, view.bones) for earlier in self.maps), key=lambda turn: turn.likeness)
        else:
            turn, self.length_mm = Turn(False, 0, 0, 1.0, 1.0), view.length_mm
        self.maps.append(moved(view.bones, turn))
        return turn


def laid_over(first: Map, second: Map) -> Turn:
    """Return how the second map is laid over the first so that they are most alike.

    Examples
    --------
    >>> bones = np.zeros((40, 36), np.uint8)
    >>> bones[5:35, 9] = bones[30:, 9:12] = 200
    >>> turn = laid_over(bones, np.roll(bones, 4, axis=1))
    >>> turn.flipped, turn.steps, round(turn.likeness, 3)
    (False, -4, 1.0)
    """
    ways = list(product((False, True), range(-MOST_SHIFT, MOST_SHIFT + 1)))
    own = _standard(first)
    likeness = np.stack([_likeness(own, moved(second, Turn(flipped, 0, shift))) for flipped, shift in ways])
    way, steps = np.unravel_index(int(likeness.argmax()), likeness.shape)
    flipped, shift = ways[way]
    apart = np.abs((np.arange(AROUND) - steps + AROUND // 2) % AROUND - AROUND // 2) * DEGREES
    same_end = np.array([other == flipped for other, _ in ways])
    different = ~same_end[:, None] | (apart > OTHER_WAY_DEG)
    best = float(likeness[way, steps])
    return Turn(
        flipped, int(steps) - AROUND * (2 * int(steps) > AROUND), shift, best, best - float(likeness[different].max())
    )


def moved(bones: Map, turn: Turn) -> Map:
    """Return a map laid over another; what is shifted beyond an end is lost."""
    turned = np.roll(bones[::-1, ::-1] if turn.flipped else bones, turn.steps, axis=1)
    padded = np.pad(turned, ((MOST_SHIFT, MOST_SHIFT), (0, 0)))
    return padded[MOST_SHIFT - turn.shift : MOST_SHIFT - turn.shift + ALONG]


def _likeness(standard: npt.NDArray[np.float64], second: Map) -> npt.NDArray[np.float64]:
    """Return the correlation of a standardised map with another one, for every turn of that about the axis, (36,)."""
    spectrum = np.fft.rfft(standard, axis=1) * np.conj(np.fft.rfft(_standard(second), axis=1))
    return np.asarray(np.fft.irfft(spectrum.sum(axis=0), AROUND))


def _standard(bones: Map) -> npt.NDArray[np.float64]:
    """Return a map smoothed, with mean 0 and norm 1: roots, so that a skull does not outweigh all else."""
    smooth = ndimage.gaussian_filter(np.sqrt(bones.astype(np.float64)), 1.0, mode=("nearest", "wrap"))
    smooth -= smooth.mean()
    return np.asarray(smooth / max(float(np.linalg.norm(smooth)), 1e-9))


def matched(
    seen: Mapping[int, Place], known: Mapping[int, Place], length_mm: float
) -> tuple[dict[int, int], dict[int, str]]:
    """Return which known lesion each tumor is that lies near one, and what is doubtful about any of them.

    Parameters
    ----------
    seen
        Number in the mask -> place, in the same frame as `known`.
    known
        Lesion -> place.
    length_mm
        Of the body.
    """
    if not seen or not known:
        return {}, {}
    numbers, lesions = list(seen), list(known)
    apart_mm = np.array([[apart(seen[n], known[k], length_mm) for k in lesions] for n in numbers])
    rows, columns = linear_sum_assignment(np.where(apart_mm <= REACH_MM, apart_mm, 100 * REACH_MM))
    pairs = {
        int(row): int(column) for row, column in zip(rows, columns, strict=True) if apart_mm[row, column] <= REACH_MM
    }
    doubts = {numbers[row]: _doubt(row, pairs, apart_mm, lesions) for row in range(len(numbers))}
    return {numbers[row]: lesions[column] for row, column in pairs.items()}, {
        n: why for n, why in doubts.items() if why
    }


def _doubt(row: int, pairs: Mapping[int, int], apart_mm: npt.NDArray[np.float64], lesions: Sequence[int]) -> str:
    """Return why it is doubtful which lesion a tumor is; empty if it is not."""
    own = pairs.get(row)
    near = int(np.where(np.arange(len(lesions)) == own, np.inf, apart_mm[row]).argmin())
    near_mm, other = float(apart_mm[row, near]), lesions[near]
    if own is None:
        return f"it lies {near_mm:.1f} mm from lesion {other}, of which it may be a part" * (
            near_mm <= REACH_MM + CLEARER_MM
        )
    own_mm = float(apart_mm[row, own])
    if near != own and near_mm < own_mm + CLEARER_MM:
        return f"it lies {own_mm:.1f} mm from lesion {lesions[own]} and {near_mm:.1f} mm from lesion {other}"
    return f"it lies {own_mm:.1f} mm from where lesion {lesions[own]} was" * (own_mm > SURE_MM)


def apart(a: Place, b: Place, length_mm: float) -> float:
    """Return how far apart two places are on the flank of a mouse, mm.

    Examples
    --------
    >>> round(apart(Place(0.5, 0, 9.0), Place(0.5, 180, 9.0), 85.0), 3)
    22.0
    """
    across = 2 * FLANK_MM * np.sin(np.radians(a.angle_deg - b.angle_deg) / 2)
    return float(np.hypot((a.along - b.along) * length_mm, across))
