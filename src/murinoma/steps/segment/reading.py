"""The next CT is read and decoded while the network works on this one."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from murinoma.files.nifti import read_volume
from murinoma.volume import Volume


class ReadAhead:
    """Reads CTs, at most one ahead, in a thread of its own.

    Parameters
    ----------
    order
        The CTs in the order in which they will be asked for, each with the mask that shows that it is done.
    force
        Done ones will be asked for as well.
    """

    def __init__(self, order: Sequence[tuple[Path, Path]], *, force: bool = False) -> None:
        self._places = {ct: place for place, (ct, _) in enumerate(order)}
        self._order = order
        self._force = force
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="murinoma-reader")
        self._ahead: tuple[Path, Future[Volume]] | None = None

    def take(self, ct: Path) -> Volume:
        """Return a CT, and begin with the one that will be asked for next.

        Raises
        ------
        FileError, GeometryError
            If the CT cannot be read.
        """
        ahead, self._ahead = self._ahead, None
        try:
            return ahead[1].result() if ahead is not None and ahead[0] == ct else read_volume(ct)
        finally:
            following = self._following(ct)
            if following is not None:
                self._ahead = following, self._thread.submit(read_volume, following)

    def _following(self, ct: Path) -> Path | None:
        """Return the next CT that has no mask yet; where a mask is out of date its CT is read when it is its turn."""
        place = self._places.get(ct, len(self._order))
        return next((other for other, mask in self._order[place + 1 :] if self._force or not mask.exists()), None)

    def close(self) -> None:
        """Wait for the thread to end."""
        self._thread.shutdown(wait=True, cancel_futures=True)
