"""The values that a front end shows."""

from dataclasses import dataclass

from murinoma.volume import Volume


@dataclass(frozen=True, eq=False)
class OpenScan:
    """The scan on the screen: its code, its CT, and the source of the mask that is corrected, if there is one."""

    code: str
    ct: Volume
    started_from: str | None

    @property
    def is_correction(self) -> bool:
        """Whether a mask is corrected here: the slices of the protocol are not asked for."""
        return self.started_from is not None


@dataclass(frozen=True)
class Tumor:
    """What is shown about a tumor: its volume, on how many slices it was drawn, and what is still to be done."""

    label: int
    volume_mm3: float
    n_drawn: int
    sentence: str


@dataclass(frozen=True)
class Shown:
    """All that a front end says about a sitting.

    Attributes
    ----------
    code
        Of the open scan; empty if there is none.
    finished, total
        Scans that are handed in or skipped, and all scans.
    started_from
        Source of the mask that is corrected; empty where it is drawn from nothing.
    removed
        Voxels that the tissue rule took and nobody put back.
    undo, redo
        What would be taken back, or done again; empty if there is nothing.
    trouble
        Why the last strokes are not saved; empty if they are.
    """

    code: str
    finished: int
    total: int
    started_from: str = ""
    tumors: tuple[Tumor, ...] = ()
    removed: int = 0
    undo: str = ""
    redo: str = ""
    trouble: str = ""
