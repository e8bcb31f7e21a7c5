"""Which slices of a tumor are to be drawn, and which are still missing."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from murinoma.errors import InputError


@dataclass(frozen=True)
class Missing:
    """What the annotation of one tumor still lacks.

    Attributes
    ----------
    slices
        To be drawn, ascending.
    unmarked_first, unmarked_last
        Drawn slices with nothing drawn before (after) them of which nobody said that the tumor begins (ends) there.
    """

    slices: tuple[int, ...] = ()
    unmarked_first: tuple[int, ...] = ()
    unmarked_last: tuple[int, ...] = ()

    @property
    def to_visit(self) -> tuple[int, ...]:
        """Slices to go to, ascending: those to be drawn, and the one beyond each end that is not marked."""
        beyond = {index - 1 for index in self.unmarked_first} | {index + 1 for index in self.unmarked_last}
        return tuple(sorted(beyond.union(self.slices)))


def slices_to_draw(first: int, last: int, *, step: int, least: int) -> tuple[int, ...]:
    """Return the slices to draw of a tumor from its first to its last slice, ascending: both, and every step-th.

    The step is lowered where fewer than `least` slices would be drawn, down to every slice. What lies beyond the
    outermost drawn slices is lost, so both ends are drawn.

    Parameters
    ----------
    first, last
        The outermost slices with tumor.
    step
        Largest distance of neighbouring drawn slices, in slices.
    least
        So many slices are drawn, if the tumor has as many.

    Raises
    ------
    InputError
        If `last` lies before `first`, or `step` or `least` is below 1.

    Examples
    --------
    >>> slices_to_draw(100, 133, step=5, least=6)
    (100, 105, 110, 115, 120, 125, 130, 133)
    >>> slices_to_draw(100, 108, step=5, least=6)
    (100, 101, 102, 103, 104, 105, 106, 107, 108)
    """
    if last < first:
        raise InputError(f"a tumor's last slice, {last}, lies before its first, {first}; give the lower one first")
    return (*range(first, last, _lowered(step, last - first, least)), last)


def missing_slices(drawn: Collection[int], empty: Collection[int], *, n_slices: int, step: int, least: int) -> Missing:
    """Return what is missing of one tumor.

    An end of the tumor is known when the slice next to its outermost drawn slice was marked as empty, or when the
    scan ends there. To mark an end is therefore one thing for people and software alike: to say of the next slice
    that it holds no tumor (`slices_beyond`). Where an empty slice lies between drawn ones the tumor has two
    pieces, each with both of its ends.

    Parameters
    ----------
    drawn
        Slices on which the tumor was drawn, in any order; more than were asked for do no harm.
    empty
        Slices of which the annotator said that they do not hold this tumor.
    n_slices
        Slices of the scan.
    step, least
        As in `slices_to_draw`.

    Raises
    ------
    InputError
        If a slice is both drawn and empty or not in the scan, or `step` or `least` is below 1.

    Examples
    --------
    >>> missing_slices([100, 105, 130], [99], n_slices=464, step=5, least=6)
    Missing(slices=(110, 115, 120, 125), unmarked_first=(), unmarked_last=(130,))
    """
    _check_marks(drawn, empty, n_slices)
    pieces = list(_pieces(drawn, empty))
    return Missing(
        slices=tuple(index for piece in pieces for index in _gaps(piece, step, least)),
        unmarked_first=tuple(piece[0] for piece in pieces if piece[0] > 0 and piece[0] - 1 not in empty),
        unmarked_last=tuple(piece[-1] for piece in pieces if piece[-1] < n_slices - 1 and piece[-1] + 1 not in empty),
    )


def slices_beyond(drawn: Collection[int], at: int, *, n_slices: int) -> tuple[int, ...]:
    """Return the slices to mark as empty when the annotator says that the tumor ends in slice `at`.

    The neighbours of `at` in the scan beyond which nothing is drawn; both, if nothing else is drawn; none, if `at`
    is not an outermost drawn slice.

    Examples
    --------
    >>> slices_beyond([100, 105, 110], 110, n_slices=464)
    (111,)
    >>> slices_beyond([100, 105, 110], 105, n_slices=464)
    ()
    """
    if at not in drawn:
        return ()
    before = [at - 1] if at == min(drawn) and at > 0 else []
    after = [at + 1] if at == max(drawn) and at < n_slices - 1 else []
    return (*before, *after)


def next_slice_to_draw(missing: Missing, at: int) -> int | None:
    """Return the next slice to go to after `at`, from the end on from the beginning; None if nothing is missing.

    Examples
    --------
    >>> next_slice_to_draw(Missing(slices=(110, 115)), 112)
    115
    """
    return _next_in(missing.to_visit, at)


def previous_slice_to_draw(missing: Missing, at: int) -> int | None:
    """Return the slice to go to before `at`, from the beginning on from the end; None if nothing is missing."""
    found = _next_in([-index for index in reversed(missing.to_visit)], -at)
    return None if found is None else -found


def missing_sentence(missing: Missing) -> str:
    """Return in words what is missing.

    Examples
    --------
    >>> missing_sentence(Missing(slices=(131, 136), unmarked_last=(138,)))
    '2 slices still to draw: 131, 136; slice 138 is not yet marked as the last'
    """
    parts = []
    if missing.slices:
        slices = "slice" if len(missing.slices) == 1 else "slices"
        parts.append(f"{len(missing.slices)} {slices} still to draw: {', '.join(map(str, missing.slices))}")
    parts += [f"slice {index} is not yet marked as the first" for index in missing.unmarked_first]
    parts += [f"slice {index} is not yet marked as the last" for index in missing.unmarked_last]
    return "; ".join(parts) or "nothing is missing"


def _lowered(step: int, length: int, least: int) -> int:
    """Return the largest step, `step` at most, that draws `least` slices of a tumor `length` slices long less one."""
    if step < 1 or least < 1:
        raise InputError(f"every {step}-th slice, at least {least}: both numbers must be 1 or more")
    while step > 1 and -(-length // step) + 1 < least:
        step -= 1
    return step


def _check_marks(drawn: Collection[int], empty: Collection[int], n_slices: int) -> None:
    """Refuse slices outside the scan, and slices that are drawn and empty, with an InputError."""
    outside = sorted(index for index in {*drawn, *empty} if not 0 <= index < n_slices)
    if outside:
        raise InputError(f"slices {outside} do not lie in a scan of {n_slices} slices")
    both = sorted(set(drawn).intersection(empty))
    if both:
        raise InputError(f"slices {both} are drawn and marked as empty; a slice is one or the other")


def _pieces(drawn: Collection[int], empty: Collection[int]) -> Iterator[list[int]]:
    """Yield the drawn slices, ascending, divided where an empty one lies between."""
    for is_drawn, run in groupby(sorted({*drawn, *empty}), key=set(drawn).__contains__):
        if is_drawn:
            yield list(run)


def _gaps(piece: list[int], step: int, least: int) -> Iterator[int]:
    """Yield the slices to draw between neighbouring drawn slices of a piece that are too far apart."""
    lowered = _lowered(step, piece[-1] - piece[0], least)
    for low, high in pairwise(piece):
        yield from range(low + lowered, high, lowered)


def _next_in(places: Collection[int], at: int) -> int | None:
    """Return the first of ascending places beyond `at`, else the first of all, None if there is none."""
    return next((place for place in places if place > at), next(iter(places), None))
