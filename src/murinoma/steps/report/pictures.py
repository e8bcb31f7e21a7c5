"""The pictures of the page: a typical scan of each dataset, and the scans of lowest agreement."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import InputError
from murinoma.files.masks import Annotations, read_annotations
from murinoma.files.nifti import read_volume
from murinoma.numerics.tumors import count_tumors
from murinoma.pages.cells import pair_names
from murinoma.pages.disagreement import view_disagreement
from murinoma.pages.figures import line_styles, view_scan
from murinoma.pages.report import ScanPicture, WorstPicture
from murinoma.pages.report_tables import ReportTables
from murinoma.pages.statistics_tables import lowest_pair, worst_first
from murinoma.pages.upright import sides_of, turned, turned_mm
from murinoma.runs import Failure, Progress
from murinoma.settings import ReportSettings, TumorSettings
from murinoma.steps.report.places import Axes, Sidecars
from murinoma.study import DatasetNotes, Scan, Study, axes_meaning

Array = npt.NDArray[Any]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Typical:
    """A scan to be shown, and the tumor that speaks for it."""

    key: Key
    volume_cm3: float
    aim: str
    aim_cm3: float


@dataclass(frozen=True)
class Worst:
    """A scan of low agreement to be shown, and what the table says of it."""

    key: Key
    dice_mean: float
    lowest: str


def choose(tables: ReportTables, settings: ReportSettings) -> list[Typical | Worst]:
    """Return the scans to be shown: the typical ones of each dataset, then those of lowest agreement."""
    return [*_typical(tables.tumors, settings.pictures), *_worst(tables, settings.worst)]


def _typical(tumors: pd.DataFrame, pictures: int) -> Iterator[Typical]:
    """Yield per dataset the scans whose tumors are closest to the median volume, or to evenly spaced quantiles."""
    for dataset, part in tumors.groupby("dataset", sort=False):
        left = part
        for share in (np.arange(pictures) + 0.5) / pictures:
            if left.empty:
                break
            aim = float(part["volume_cm3_mean"].quantile(share))
            row = left.iloc[int((left["volume_cm3_mean"] - aim).abs().to_numpy().argmin())]
            name = "median tumor volume" if share == 0.5 else f"{100 * share:.0f} % quantile of the tumor volumes"
            yield Typical((str(dataset), str(row["mouse"]), str(row["time"])), float(row["volume_cm3_mean"]), name, aim)
            left = left[(left["mouse"] != row["mouse"]) | (left["time"] != row["time"])]


def _worst(tables: ReportTables, count: int) -> Iterator[Worst]:
    pairs = pair_names(tables.annotators)
    for row in worst_first(tables.scans).head(count).to_dict("records"):
        key = str(row["dataset"]), str(row["mouse"]), str(row["time"])
        yield Worst(key, float(row["dice_mean"]), lowest_pair(row, pairs))


@dataclass(frozen=True, eq=False)
class Pictures:
    """What could be shown, and why the others could not, by the scan's title."""

    typical: list[ScanPicture]
    worst: list[WorstPicture]
    unshown: dict[str, str]

    @property
    def failed(self) -> list[Failure]:
        """The scans that could not be read, each once."""
        return [Failure(title, message) for title, message in self.unshown.items()]


def draw(study: Study, chosen: Sequence[Typical | Worst], sidecars: Sidecars, progress: Progress | None) -> Pictures:
    """Return the pictures of the chosen scans; those that went away since agree are left out."""
    scans, pictures = {scan.key: scan for scan in study.scans}, Pictures([], [], {})
    for count, choice in enumerate(chosen, start=1):
        scan = scans.get(choice.key)
        if scan is None or not scan.annotations:
            continue  # agree ran before the scan went away or was left out
        try:
            shown = read_seen(study, scan, sidecars)
            if isinstance(choice, Typical):
                pictures.typical.append(_typical_picture(study, scan, choice, shown))
            else:
                pictures.worst.append(_worst_picture(study, scan, choice, shown))
        except InputError as error:
            pictures.unshown[scan.title] = f"it cannot be shown: {error}"
        if progress is not None:
            progress(count, len(chosen), scan.title)
    return pictures


@dataclass(frozen=True, eq=False)
class Seen:
    """A scan as pictures take it: its annotations and CT turned, its left and right, and what its stored axes mean."""

    annotations: Annotations
    ct: Array | None
    sides: tuple[str, str] | None
    axes: Axes


def read_seen(study: Study, scan: Scan, sidecars: Sidecars) -> Seen:
    """Return a scan as pictures take it.

    Raises
    ------
    FileError, GeometryError
        If a file cannot be read, or does not fit the others.
    """
    axes = _axes(study, scan, sidecars)
    stored = read_annotations(scan)
    masks = {name: np.ascontiguousarray(turned(mask, axes)) for name, mask in stored.masks.items()}
    ct = None if scan.ct is None else np.ascontiguousarray(turned(read_volume(scan.ct).voxels, axes))
    seen = replace(stored, masks=masks, spacing_mm=turned_mm(stored.spacing_mm, axes))
    return Seen(seen, ct, sides_of(axes), axes)


def _typical_picture(study: Study, scan: Scan, choice: Typical, seen: Seen) -> ScanPicture:
    left_out = study.excluded_tumors().get(scan.key, frozenset())
    view = view_scan(
        seen.ct,
        seen.annotations.masks,
        spacing_mm=seen.annotations.spacing_mm,
        slice_index=_middle_slice(seen.annotations, left_out),
        styles=line_styles(study.annotators),
        sides=seen.sides,
    )
    return ScanPicture(scan.dataset, scan.name, choice.volume_cm3, choice.aim, choice.aim_cm3, view)


def _worst_picture(study: Study, scan: Scan, choice: Worst, seen: Seen) -> WorstPicture:
    view = view_disagreement(
        seen.ct,
        seen.annotations.masks,
        spacing_mm=seen.annotations.spacing_mm,
        styles=line_styles(study.annotators),
        sides=seen.sides,
    )
    return WorstPicture(scan.dataset, scan.name, choice.dice_mean, choice.lowest, view)


def _axes(study: Study, scan: Scan, sidecars: Sidecars) -> Axes:
    """Return what the stored axes of a scan mean: what people wrote, else its sidecar; nothing if neither says it."""
    said = study.notes.get(scan.dataset, DatasetNotes()).axes
    beside = sidecars.get(scan.key)
    return axes_meaning(said) if said else {} if beside is None else beside.axes


def _middle_slice(annotations: Annotations, left_out: Collection[int]) -> int:
    """Return the axial slice that halves the largest tumor; the middle one of the scan if there is none."""
    masks, limits = list(annotations.masks.values()), asdict(TumorSettings())
    votes, tumors = count_tumors(masks, spacing_mm=annotations.spacing_mm, **limits, left_out=left_out)
    if not tumors.numbers:
        return votes.shape[0] // 2
    largest = tumors.numbers[int(tumors.voxels.sum(axis=1).argmax())]
    areas: npt.NDArray[np.int64] = (tumors.labels == largest).sum(axis=(1, 2))
    return int(votes.box[0].start + np.searchsorted(areas.cumsum(), areas.sum() / 2))
