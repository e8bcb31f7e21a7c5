"""Which skeletons are mice: what a mouse measures, what is not one, and why."""

import numpy as np

from murinoma.numerics.blocks import Image
from murinoma.numerics.skeletons import (
    LONG_MM,
    Skeleton,
    Skeletons,
    Spacing,
    find_skeletons,
    limbs_by_trunk,
    with_fewer,
)

# over soft tissue; in blocks of 0.8 mm a blurred spine is whole at the first level only, and skeletons that touch come
# apart at a higher one; at 200 HU the wall of a box becomes a mouse
BONE_LEVELS_HU = (250.0, 350.0, 500.0, 700.0, 1000.0)
LENGTH_MM, USUAL_LENGTH_MM = (12.0, 125.0), (50.0, 112.0)  # a mouse cut by the field is shorter than usual
WIDTH_MM = 48.0
LEAST_BONES_MM3 = 60.0
LEAST_THINNESS_MM = 1.6  # rods and sheets are thinner
LEAST_IN_FLESH = 0.44  # of a slim mouse 0.46 or more of the bones, of a box in a noisy scan up to 0.4
LARGE_MM3, HUGE_MM3 = 4000.0, 15000.0  # of bone: twice a mouse's, and more than six mice have
MOST_NOTED = 3
NOTED_MM3 = 60.0  # of bone in thick flesh; less is not worth a word


def choose_skeletons(
    coarse: Image, spacing_mm: Spacing, soft_hu: float, expected: int | None
) -> tuple[Skeletons, list[str]]:
    """Return the skeletons of mice, numbered from 1, and what is doubtful about their number.

    Parameters
    ----------
    coarse
        Means of blocks of about 0.8 mm, HU, shape (z, y, x).
    spacing_mm
        Of the blocks along (z, y, x), mm.
    soft_hu
        Level of soft tissue, HU.
    expected
        How many mice there should be, or None.
    """
    every, mice = at_best_level(coarse, spacing_mm, soft_hu, expected)
    doubts = [*number_doubts(mice, expected), *ignored_doubts(every, mice)]
    mice = mice if expected is None else mice[:expected]
    doubts += [doubt for mouse in mice for doubt in size_doubts(mouse, every.axis)]
    return limbs_by_trunk(with_fewer(every, mice), coarse, spacing_mm, soft_hu), doubts


def at_best_level(
    coarse: Image, spacing_mm: Spacing, soft_hu: float, expected: int | None
) -> tuple[Skeletons, list[Skeleton]]:
    """Return the skeletons above the level of bone at which most mice come apart, and the mice among them."""
    every = find_skeletons(coarse, spacing_mm, soft_hu, BONE_LEVELS_HU[0])
    if every.found and is_other_animal(every.found[0], every.axis):
        return every, []
    mice = mice_of(every)
    for bone_hu in BONE_LEVELS_HU[1:]:
        if expected is not None and len(mice) >= expected:
            break
        higher = find_skeletons(coarse, spacing_mm, soft_hu, bone_hu)
        more = mice_of(higher)
        whole = [one for one in more if skeleton_length(one, higher.axis) >= LONG_MM]
        if len(whole) > len(mice):
            every, mice = higher, whole
        elif not mice:
            every, mice = higher, more
    return every, mice


def mice_of(skeletons: Skeletons) -> list[Skeleton]:
    """Return the skeletons that may be a mouse's or a part of one, the heaviest first."""
    return [one for one in skeletons.found if is_mouse_like(one, skeletons.axis)]


def is_other_animal(skeleton: Skeleton, axis: int) -> bool:
    """Tell whether bones are too long and too heavy for mice, even for some whose bones touch."""
    limit = LARGE_MM3 if skeleton_length(skeleton, axis) > LENGTH_MM[1] else HUGE_MM3
    return skeleton.in_flesh >= LEAST_IN_FLESH and skeleton.volume_mm3 > limit


def skeleton_length(skeleton: Skeleton, axis: int) -> float:
    """Return how long a skeleton is along the body axis, mm."""
    return skeleton.size_mm[axis]


def skeleton_width(skeleton: Skeleton, axis: int) -> float:
    """Return how wide a skeleton is across the body axis, mm."""
    return max(size for at, size in enumerate(skeleton.size_mm) if at != axis)


def is_mouse_like(skeleton: Skeleton, axis: int) -> bool:
    """Tell whether bones have the size of a mouse, whole or in part, are no rod or sheet, and lie in flesh."""
    return (
        skeleton_length(skeleton, axis) >= LENGTH_MM[0]
        and not is_too_large(skeleton, axis)
        and skeleton.volume_mm3 >= LEAST_BONES_MM3
        and skeleton.thinness_mm >= LEAST_THINNESS_MM
        and skeleton.in_flesh >= LEAST_IN_FLESH
    )


def is_too_large(skeleton: Skeleton, axis: int) -> bool:
    """Tell whether bones reach further than a mouse's do."""
    return skeleton_length(skeleton, axis) > LENGTH_MM[1] or skeleton_width(skeleton, axis) > WIDTH_MM


def number_doubts(mice: list[Skeleton], expected: int | None) -> list[str]:
    """Return what is wrong with how many mice there are."""
    if expected is not None and len(mice) != expected:
        rest = "; the ones with most bone are kept" if len(mice) > expected else ""
        return [f"{expected} mice were expected, {len(mice)} were found{rest}"]
    return [] if mice else ["bright pieces were found, but none is a mouse's skeleton"]


def ignored_doubts(skeletons: Skeletons, mice: list[Skeleton]) -> list[str]:
    """Return a sentence for each of the heaviest pieces of bone in flesh that were not taken for a mouse.

    Rods and sheets are no reason for a doubt: every bed and box has some.
    """
    ignored = [
        f"a bright piece of {_size(one)} mm and {one.volume_mm3:.0f} mm3 near {_place(one)} mm is not a mouse: "
        f"{reason(one, skeletons.axis)}"
        for one in (*skeletons.found, *skeletons.bare)
        if one not in mice and one.volume_mm3 * one.in_flesh >= NOTED_MM3 and one.thinness_mm >= LEAST_THINNESS_MM
    ]
    return ignored[:MOST_NOTED]


def reason(skeleton: Skeleton, axis: int) -> str:
    """Return why a skeleton is no mouse's."""
    if is_too_large(skeleton, axis):
        return "it is too large (a mouse's skeleton is 50-110 mm long and 10-35 mm wide)"
    if skeleton.thinness_mm < LEAST_THINNESS_MM:
        return "it is a rod or a sheet"
    if skeleton.in_flesh < LEAST_IN_FLESH:
        return "most of it lies in air (a bright bed or cable that touches a mouse hides it)"
    if is_mouse_like(skeleton, axis):
        return "it looks like one, but lies beside what was taken for mice, or is more than were expected"
    return f"it is too short ({skeleton_length(skeleton, axis):.0f} mm; a mouse's skeleton is 50-110 mm long)"


def size_doubts(mouse: Skeleton, axis: int) -> list[str]:
    """Return a sentence if a mouse's skeleton has an unusual length."""
    length = skeleton_length(mouse, axis)
    if USUAL_LENGTH_MM[0] <= length <= USUAL_LENGTH_MM[1]:
        return []
    return [f"the skeleton near {_place(mouse)} mm is {length:.0f} mm long, a whole mouse's is 50-110 mm"]


def _size(skeleton: Skeleton) -> str:
    """Return the size of a skeleton as text."""
    return " x ".join(f"{size:.0f}" for size in skeleton.size_mm)


def _place(skeleton: Skeleton) -> str:
    """Return the middle of a skeleton as text, mm along (z, y, x)."""
    middle = np.add(skeleton.low_mm, skeleton.high_mm) / 2
    return "(" + ", ".join(f"{at:.0f}" for at in middle) + ")"
