"""Which scans a model learns from and which are held out: never a mouse on both sides.

A mouse is scanned on several days, and its tumors look alike on all of them: a split by scan would let a model meet
its test mice in training. The study owns the split, so that training and evaluation cannot disagree.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from murinoma.errors import StudyError
from murinoma.study.values import Scan, clean_dataset

Mouse = tuple[str, str]  # dataset, mouse


@dataclass(frozen=True)
class Split:
    """Scans to learn from, and scans that are held out; both in the order in which they were given."""

    training: tuple[Scan, ...]
    held_out: tuple[Scan, ...]


def split_by_mouse(scans: Sequence[Scan], *, share: float, seed: int) -> Split:
    """Hold out about a `share` (0..1) of the mice of every dataset, with all their scans.

    The same mice and seed give the same split, in whatever order the scans come.

    Raises
    ------
    StudyError
        If there are fewer than two mice.
    """
    units = [frozenset({mouse}) for mouse in sorted({mouse_of(scan) for scan in scans})]
    return _hold_out(scans, units, share, seed, "mouse", "mice")


def split_by_acquisition(scans: Sequence[Scan], *, share: float, seed: int) -> Split:
    """Hold out mice as `split_by_mouse`, and keep all together that ever shared an acquisition.

    Mice change partners between time points, so a chain of acquisitions may tie many mice of a dataset to each other.

    Raises
    ------
    StudyError
        If all mice are tied to each other.
    """
    return _hold_out(scans, _shared_acquisitions(scans), share, seed, "set of mice", "sets of mice")


def leave_out_dataset(scans: Sequence[Scan], dataset: str) -> Split:
    """Hold out all scans of one dataset, named as people do (``Dataset 2``, ``2``).

    Raises
    ------
    StudyError
        If there is no such dataset among the scans, or no other.
    """
    known = list(dict.fromkeys(scan.dataset for scan in scans))
    name = clean_dataset(dataset) or dataset
    if name not in known:
        raise StudyError(f"no scan belongs to '{dataset}'; the datasets are {', '.join(known) or 'none'}")
    if len(known) < 2:
        raise StudyError(f"'{name}' is the only dataset; without it nothing is left to learn from: split by mouse")
    return _parted(scans, {mouse_of(scan) for scan in scans if scan.dataset == name})


def leave_one_dataset_out(scans: Sequence[Scan]) -> list[tuple[str, Split]]:
    """Return one split for each dataset, which it holds out.

    Raises
    ------
    StudyError
        If there are fewer than two datasets.
    """
    return [(name, leave_out_dataset(scans, name)) for name in dict.fromkeys(scan.dataset for scan in scans)]


def mouse_of(scan: Scan) -> Mouse:
    """Return what identifies the mouse of a scan: numbers are unique within a dataset only."""
    return scan.dataset, scan.mouse


def _hold_out(
    scans: Sequence[Scan], units: Sequence[frozenset[Mouse]], share: float, seed: int, one: str, many: str
) -> Split:
    """Hold out whole units, so many that they have about the wanted share of the mice, but neither none nor all."""
    if len(units) < 2:
        raise StudyError(
            f"{len(units) or 'no'} {one if len(units) == 1 else many} cannot be split into training and held-out mice; "
            "annotate more mice, or split by mouse or dataset"
        )
    wanted = share * sum(map(len, units))
    held_out: set[Mouse] = set()
    for unit in _in_drawn_order(units, seed)[:-1]:
        if held_out and len(held_out) + len(unit) / 2 > wanted:
            continue  # closer to the share without it
        held_out |= unit
    return _parted(scans, held_out)


def _in_drawn_order(units: Iterable[frozenset[Mouse]], seed: int) -> list[frozenset[Mouse]]:
    """Return units in an order that the seed decides, in which any beginning has its share of every dataset."""
    by_dataset: dict[str, list[frozenset[Mouse]]] = {}
    for unit in sorted(units, key=lambda unit: _chance(seed, *min(unit))):
        by_dataset.setdefault(min(unit)[0], []).append(unit)
    places = {
        unit: (rank + _chance(seed, dataset)) / len(own)
        for dataset, own in by_dataset.items()
        for rank, unit in enumerate(own)
    }
    return sorted(places, key=lambda unit: (places[unit], sorted(unit)))


def _chance(seed: int, *words: str) -> float:
    """Return a number, 0..1, that these words and the seed decide, on every machine and for good."""
    digest = hashlib.sha256("\n".join([str(seed), *words]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _shared_acquisitions(scans: Iterable[Scan]) -> list[frozenset[Mouse]]:
    """Return the sets of mice that a chain of shared acquisitions ties together."""
    sets: list[frozenset[Mouse]] = []
    by_group: dict[tuple[str, str], set[Mouse]] = {}
    for scan in scans:
        by_group.setdefault((scan.dataset, scan.group), set()).add(mouse_of(scan))
    for together in by_group.values():
        touched = [known for known in sets if known & together]
        sets = [known for known in sets if known not in touched] + [frozenset(together).union(*touched)]
    return sorted(sets, key=min)


def _parted(scans: Sequence[Scan], held_out: set[Mouse]) -> Split:
    return Split(
        tuple(scan for scan in scans if mouse_of(scan) not in held_out),
        tuple(scan for scan in scans if mouse_of(scan) in held_out),
    )
