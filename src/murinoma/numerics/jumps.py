"""Changes of a tumor's volume that growth and measurement error cannot explain, and mice that were exchanged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Point = tuple[float, float]  # time in the unit of the limits (hours for GrowthLimits), mm3


class Limits(Protocol):
    """What change of volume is believed: fixed limits, or what a dataset's own rate lets expect."""

    def allow(self, earlier: Point, later: Point, /) -> bool:
        """Tell whether the volumes at two times can be those of one mouse; true if either is 0, which says nothing."""


@dataclass(frozen=True)
class GrowthLimits:
    """What is still believed of a change between two scans.

    Attributes
    ----------
    factor
        Change that measurement alone may show.
    doubling_hours
        Fastest doubling, and halving, of a tumor.
    """

    factor: float
    doubling_hours: float

    def allow(self, earlier: Point, later: Point) -> bool:
        """Tell whether the volumes at two times can be those of one mouse; true if either is 0, which says nothing.

        Examples
        --------
        >>> limits = GrowthLimits(factor=1.5, doubling_hours=72)
        >>> limits.allow((0, 100), (24, 180)), limits.allow((0, 100), (24, 200))
        (True, False)
        """
        if earlier[1] <= 0 or later[1] <= 0:
            return True
        change = abs(math.log(later[1] / earlier[1]))
        hours = abs(later[0] - earlier[0])
        return change <= math.log(self.factor) + hours * math.log(2) / self.doubling_hours


def fits(point: Point, others: Sequence[Point], limits: Limits) -> bool:
    """Tell whether a scan fits the scans of the same mouse just before and just after it.

    Parameters
    ----------
    point
        Time and volume (mm3) of the scan in question.
    others
        The mouse's other scans, in any order.
    limits
        What change is believed.

    Examples
    --------
    >>> limits = GrowthLimits(factor=1.5, doubling_hours=72)
    >>> fits((24, 900), [(0, 100), (48, 120)], limits)
    False
    """
    before = sorted(other for other in others if other[0] < point[0])
    after = sorted(other for other in others if other[0] > point[0])
    return all(limits.allow(neighbour, point) for neighbour in before[-1:] + after[:1])


def look_exchanged(here: tuple[Point, Point], others: tuple[Sequence[Point], Sequence[Point]], limits: Limits) -> bool:
    """Tell whether two mice of one acquisition fit their own other scans only if they are exchanged.

    Parameters
    ----------
    here
        Time and volume of either mouse in the acquisition.
    others
        The other scans of either mouse.
    limits
        What change is believed.

    Examples
    --------
    A mouse of 100 mm3 and one of 900 mm3 come back the other way round.

    >>> limits = GrowthLimits(factor=1.5, doubling_hours=72)
    >>> look_exchanged(((24, 910), (24, 105)), ([(0, 100)], [(0, 900)]), limits)
    True
    """
    (first, second), (first_others, second_others) = here, others
    as_named = fits(first, first_others, limits) or fits(second, second_others, limits)
    exchanged = fits(second, first_others, limits) and fits(first, second_others, limits)
    return exchanged and not as_named
