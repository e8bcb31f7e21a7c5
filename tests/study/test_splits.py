"""Training and held-out mice: what is kept together, what chance decides, what is refused."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma import published
from murinoma.errors import StudyError
from murinoma.study import Scan, clean_scan
from murinoma.study.splits import (
    Split,
    leave_one_dataset_out,
    leave_out_dataset,
    mouse_of,
    split_by_acquisition,
    split_by_mouse,
)


def scan(mouse: str, group: str = "", *, dataset: str = "Dataset 1", time: str = "0d") -> Scan:
    """Return a scan; its group is itself unless named."""
    return clean_scan(Path("study"), (dataset, group or f"{mouse}_{time}"), mouse, time, ["A"])


def mice(scans: tuple[Scan, ...]) -> set[tuple[str, str]]:
    """Return the mice of some scans."""
    return {mouse_of(one) for one in scans}


TEN = [scan(f"M{number:02d}", time=time) for number in range(1, 11) for time in ("0d", "8d")]
TWO_DATASETS = [scan(f"M{n}", dataset=f"Dataset {d}") for d, count in ((1, 30), (2, 10)) for n in range(count)]


@pytest.fixture(scope="module")
def published_scans() -> list[Scan]:
    """Return the 452 scans of the published database, from the catalogue."""
    return [
        clean_scan(Path("study"), (str(row.dataset), str(row.group_folder)), str(row.mouse), str(row.time), [])
        for row in published.catalogue().itertuples()
    ]


def test_a_fifth_of_ten_mice_is_two_mice_with_all_their_days() -> None:
    """Two mice, four scans are held out; the others stay in order."""
    split = split_by_mouse(TEN, share=0.2, seed=1)
    assert len(mice(split.held_out)) == 2
    assert len(split.held_out) == 4
    assert [one for one in TEN if one in split.training] == list(split.training)


def test_every_dataset_gives_its_share() -> None:
    """Of 30 and 10 mice a fifth is 6 and 2."""
    held_out = mice(split_by_mouse(TWO_DATASETS, share=0.2, seed=3).held_out)
    assert sorted(dataset for dataset, _ in held_out) == ["Dataset 1"] * 6 + ["Dataset 2"] * 2


def test_mice_of_one_acquisition_stay_together_also_over_days() -> None:
    """M1 and M2 on one day, M2 and M3 on another: the three are on one side."""
    tied = [scan("M1", "a"), scan("M2", "a"), scan("M2", "b", time="8d"), scan("M3", "b", time="8d")]
    free = [scan("M4"), scan("M5"), scan("M6")]
    for seed in range(10):
        split = split_by_acquisition([*tied, *free], share=0.3, seed=seed)
        assert len(mice(split.held_out) & mice(tuple(tied))) in (0, 3)


def test_a_dataset_is_left_out_by_any_of_its_names() -> None:
    """``2``, ``Study 2`` and ``Dataset 2`` are one."""
    for name in ("2", "Study 2", "Dataset 2"):
        split = leave_out_dataset(TWO_DATASETS, name)
        assert {one.dataset for one in split.held_out} == {"Dataset 2"}
        assert len(split.training) == 30
    assert [name for name, _ in leave_one_dataset_out(TWO_DATASETS)] == ["Dataset 1", "Dataset 2"]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(0, 4)), min_size=1, unique=True),
    st.floats(0, 1),
    st.integers(0, 1000),
    st.randoms(),
)
def test_a_split_has_every_scan_once_and_no_mouse_twice(
    keys: list[tuple[int, int, int]], share: float, seed: int, rng: Random
) -> None:
    """Neither side is empty, the sides share no mouse nor acquisition, and the order of the scans changes nothing."""
    scans = [scan(f"M{m}", f"G{(m + day) % 5}_{day}", dataset=f"Dataset {d}", time=f"{day}d") for d, m, day in keys]
    shuffled = scans.copy()
    rng.shuffle(shuffled)
    for cut in (split_by_mouse, split_by_acquisition):
        try:
            split = cut(scans, share=share, seed=seed)
        except StudyError:
            assert cut is split_by_acquisition or len(mice(tuple(scans))) == 1
            continue
        assert sorted(one.title for one in [*split.training, *split.held_out]) == sorted(one.title for one in scans)
        assert split.training
        assert split.held_out
        assert not mice(split.training) & mice(split.held_out)
        assert mice(cut(shuffled, share=share, seed=seed).held_out) == mice(split.held_out)
        if cut is split_by_acquisition:
            groups = [{(one.dataset, one.group) for one in side} for side in (split.training, split.held_out)]
            assert not groups[0] & groups[1]


def test_a_seed_decides() -> None:
    """The same seed gives the same mice, ten seeds give several splits."""
    splits = [split_by_mouse(TEN, share=0.3, seed=seed) for seed in range(10)]
    assert split_by_mouse(TEN, share=0.3, seed=4) == splits[4]
    assert len({frozenset(mice(split.held_out)) for split in splits}) > 3


def test_the_published_database_can_be_split_each_way(published_scans: list[Scan]) -> None:
    """A fifth of 223 mice is 45; by acquisition the share is kept within 5 mice; each dataset can be left out."""
    by_mouse = split_by_mouse(published_scans, share=0.2, seed=1)
    by_acquisition = split_by_acquisition(published_scans, share=0.2, seed=1)
    assert len(mice(by_mouse.held_out)) == 45
    assert abs(len(mice(by_acquisition.held_out)) - 45) <= 5
    assert len(leave_one_dataset_out(published_scans)) == 10


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (lambda: split_by_mouse(TEN[:2], share=0.2, seed=1), "1 mouse cannot be split into training and held-out"),
        (lambda: split_by_mouse([], share=0.2, seed=1), "no mice cannot be split"),
        (lambda: split_by_acquisition([scan("M1", "a"), scan("M2", "a")], share=0.2, seed=1), "1 set of mice cannot"),
        (lambda: leave_out_dataset(TEN, "Dataset 7"), "no scan belongs to 'Dataset 7'; the datasets are Dataset 1"),
        (lambda: leave_out_dataset(TEN, "1"), "'Dataset 1' is the only dataset"),
    ],
)
def test_what_cannot_be_split_is_said(attempt: Callable[[], Split], sentence: str) -> None:
    """The sentence says what there is, and what to do."""
    with pytest.raises(StudyError, match=sentence):
        attempt()
