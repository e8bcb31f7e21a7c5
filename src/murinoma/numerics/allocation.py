"""Divide mice among arms by chance, so that every arm begins with tumors of the same size."""

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def allocate(volumes: Floats, n_arms: int, *, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Return the arm and the block of every mouse: blocks of neighbouring volumes, by chance within a block.

    Mice are sorted by volume and cut into blocks of as many mice as there are arms; each block gets every arm once, in
    random order. Mice left over get different arms, and the block that is not full is one drawn by chance, so that no
    size of tumor is left to it. The numbers of mice in the arms differ by one at most.

    Parameters
    ----------
    volumes
        (m,) baseline volume of each mouse, mm3.
    n_arms
        How many arms there are.
    rng
        Source of chance.

    Returns
    -------
    tuple
        (m,) code of the arm, 0 to `n_arms` - 1, and (m,) number of the block, 0 for the smallest tumors.

    Examples
    --------
    Six mice, two arms: each of the three blocks has one of each.

    >>> arms, blocks = allocate(np.array([50.0, 300, 60, 310, 90, 100]), 2, rng=np.random.default_rng(1))
    >>> blocks
    array([0, 2, 0, 2, 1, 1])
    >>> [sorted(arms[blocks == block].tolist()) for block in range(3)]
    [[0, 1], [0, 1], [0, 1]]
    """
    if n_arms < 1:
        raise InputError(f"mice cannot be divided among {n_arms} arms; give two or more")
    order = np.argsort(volumes, kind="stable")
    order = order[np.lexsort((rng.random(len(order)), volumes[order]))]  # equal volumes in random order
    sizes = np.full(-(-len(order) // n_arms), n_arms)
    if len(order) % n_arms:
        sizes[rng.integers(len(sizes))] = len(order) % n_arms
    arms, blocks = np.empty(len(order), dtype=np.int64), np.empty(len(order), dtype=np.int64)
    for block, mice in enumerate(np.split(order, np.cumsum(sizes)[:-1])):
        arms[mice] = rng.permutation(n_arms)[: len(mice)]
        blocks[mice] = block
    return arms, blocks
