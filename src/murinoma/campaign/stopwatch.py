"""How long somebody worked: the time between signs of life, long pauses cut short."""

from collections.abc import Callable
from dataclasses import dataclass, field

PAUSE_SECONDS = 60.0  # more than this between two signs of life is a pause, and counts as this


@dataclass
class Stopwatch:
    """Active seconds; `seconds` is a clock that only goes on, and a jump of it does no harm either way.

    Examples
    --------
    >>> readings = iter([0.0, 5.0, 9_000.0, 100.0])
    >>> watch = Stopwatch(lambda: next(readings))
    >>> [watch.lap() for _ in range(3)]
    [5.0, 60.0, 0.0]
    """

    seconds: Callable[[], float]
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.seconds()

    def lap(self) -> float:
        """Return the active seconds since the last sign of life, and take this for one."""
        reading = self.seconds()
        elapsed, self.last = reading - self.last, reading
        return min(max(elapsed, 0.0), PAUSE_SECONDS)
