"""The randomisation of mice: blocks of neighbouring volumes, chance within a block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.numerics.allocation import allocate


def test_four_mice_by_hand() -> None:
    """50 and 60 mm3 make a block, 300 and 310 the other; each block has one mouse of either arm."""
    arms, blocks = allocate(np.array([50.0, 310.0, 60.0, 300.0]), 2, rng=np.random.default_rng(0))
    assert blocks.tolist() == [0, 1, 0, 1]
    assert arms[0] != arms[2]
    assert arms[1] != arms[3]


@given(volumes=st.lists(st.floats(1, 2000), min_size=1, max_size=40), n_arms=st.integers(1, 6), seed=st.integers(0, 99))
def test_arms_are_of_equal_size_and_blocks_are_neighbours(volumes: list[float], n_arms: int, seed: int) -> None:
    """Sizes differ by one at most; no block has an arm twice; a later block has no smaller tumor."""
    found = np.array(volumes)
    arms, blocks = allocate(found, n_arms, rng=np.random.default_rng(seed))
    sizes = np.bincount(arms, minlength=n_arms)
    assert sizes.max() - sizes.min() <= 1
    for block in np.unique(blocks):
        inside = arms[blocks == block]
        assert len(set(inside.tolist())) == len(inside)
        assert not (blocks > block).any() or found[blocks == block].max() <= found[blocks > block].min()


def test_the_same_seed_gives_the_same_arms_and_another_another() -> None:
    """Chance is an argument."""
    volumes = np.linspace(50, 500, 24)
    first, again, other = (allocate(volumes, 3, rng=np.random.default_rng(seed))[0].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_arm_is_equally_likely() -> None:
    """Over 2,000 seeds each of five mice goes to each of two arms in half of the cases (4 SD: 4.5 %)."""
    volumes = np.array([50.0, 60, 80, 200, 900])
    arms = np.array([allocate(volumes, 2, rng=np.random.default_rng(seed))[0] for seed in range(2000)])
    assert np.abs(arms.mean(axis=0) - 0.5).max() < 0.045


def test_blocks_balance_better_than_chance_alone() -> None:
    """The arms' geometric means differ less than after a plain shuffle, for nearly every seed."""
    rng = np.random.default_rng(5)
    volumes = np.exp(rng.normal(5, 0.6, 16))

    def difference(arms: np.ndarray) -> float:
        return float(abs(np.log(volumes[arms == 0]).mean() - np.log(volumes[arms == 1]).mean()))

    blocked = [difference(allocate(volumes, 2, rng=np.random.default_rng(seed))[0]) for seed in range(200)]
    shuffled = [difference(rng.permutation(np.repeat([0, 1], 8))) for _ in range(200)]
    assert np.mean(blocked) < 0.5 * np.mean(shuffled)


def test_no_arm_is_refused() -> None:
    """One sentence."""
    with pytest.raises(InputError, match="0 arms"):
        allocate(np.array([1.0]), 0, rng=np.random.default_rng(0))
