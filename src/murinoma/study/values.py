"""The values that a study is made of, and the names of its files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from murinoma.errors import StudyError

DATASET = re.compile(r"(?:dataset|study)[ _-]*0*(\d+)", re.IGNORECASE)
HOURS = {"h": 1.0, "d": 24.0}


@dataclass(frozen=True, order=True)
class TimePoint:
    """A time since the first scan: `hours` orders and compares, `label` is what people wrote (``22.5h``, ``8d``)."""

    hours: float
    label: str = field(compare=False)

    @classmethod
    def parse(cls, label: str) -> "TimePoint":
        """Return the time point that a label such as ``22.5h`` or ``8d`` stands for.

        Raises
        ------
        StudyError
            If the label is not a number followed by ``h`` or ``d``.
        """
        if not re.fullmatch(r"\d+(\.\d+)?[hd]", label):
            raise StudyError(f"'{label}' is not a time point; write hours or days, such as 22.5h or 8d")
        return cls(float(label[:-1]) * HOURS[label[-1]], label)


@dataclass(frozen=True)
class Finding:
    """Something wrong (`error`) or odd (`oddity`), with the remedy; `scan` is empty if it concerns the study."""

    severity: Literal["error", "oddity"]
    kind: str
    scan: str
    message: str
    remedy: str

    @property
    def sentence(self) -> str:
        """The message with its place and remedy, as one sentence."""
        place = f"{self.scan}: " if self.scan else ""
        return f"{place}{self.message}; {self.remedy}"


@dataclass(frozen=True)
class Scan:
    """One mouse at one time point, with the files that were found for it.

    `annotations` maps an annotator's name to a mask; `staple` is a published consensus, if there is one.
    """

    dataset: str
    mouse: str
    time: TimePoint
    group: str
    folder: Path
    ct: Path | None
    annotations: Mapping[str, Path]
    staple: Path | None

    @property
    def name(self) -> str:
        """Mouse and time as in the folder's clean name, ``M02_8d``."""
        return f"{self.mouse}_{self.time.label}"

    @property
    def title(self) -> str:
        """The scan's name for people, ``Dataset 2 M02_8d``."""
        return f"{self.dataset} {self.name}"

    @property
    def key(self) -> tuple[str, str, str]:
        """Dataset, mouse and time point: what identifies a scan."""
        return self.dataset, self.mouse, self.time.label


@dataclass(frozen=True)
class Exclusion:
    """A scan, or one tumor of it, that people left out, and why."""

    dataset: str
    mouse: str
    time: TimePoint
    tumor: int | None
    reason: str

    @property
    def title(self) -> str:
        """The scan's name for people, ``Dataset 2 M02_8d``."""
        return f"{self.dataset} {self.mouse}_{self.time.label}"

    def names(self, scan: "Scan") -> bool:
        """Tell whether this row is about `scan` or one of its tumors."""
        return (self.dataset, self.mouse, self.time) == (scan.dataset, scan.mouse, scan.time)


@dataclass(frozen=True)
class DatasetNotes:
    """What people wrote about a dataset in ``study.toml``; it wins over what files say.

    Attributes
    ----------
    year
        Of the scans.
    expected_tumors
        Per mouse.
    time_points
        When every mouse was meant to be scanned, sorted.
    kvp, ua, ms
        Tube voltage (kV), tube current (uA) and exposure time (ms).
    scanner, reconstruction, bed, site
        Maker and model; algorithm or kernel; what the mice lay on; where the tumors were inoculated.
    axes
        What the stored axes x, y, z mean (``back to belly, right to left, rump to nose``); empty where nobody said.
    """

    year: int | None = None
    expected_tumors: int | None = None
    time_points: tuple[TimePoint, ...] = ()
    kvp: float | None = None
    ua: float | None = None
    ms: float | None = None
    scanner: str | None = None
    reconstruction: str | None = None
    bed: str | None = None
    site: str | None = None
    axes: str = ""


@dataclass(frozen=True)
class Study:
    """A study as read from disk.

    Attributes
    ----------
    root
        The folder that holds the datasets.
    out
        Where computed steps write, ``ROOT/derivatives`` unless told otherwise.
    scans
        Every usable scan that is not excluded, by dataset, mouse and time.
    findings
        What is wrong or odd about names and folders. A scan with an error is not in `scans`.
    exclusions
        What ``exclude.csv`` leaves out.
    """

    root: Path
    out: Path
    title: str
    scans: tuple[Scan, ...]
    findings: tuple[Finding, ...]
    exclusions: tuple[Exclusion, ...]
    notes: Mapping[str, DatasetNotes]

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets with scans, in order."""
        return list(dict.fromkeys(scan.dataset for scan in self.scans))

    @property
    def annotators(self) -> list[str]:
        """Names of all annotators of the study, sorted."""
        return sorted({name for scan in self.scans for name in scan.annotations})

    @property
    def mice(self) -> list[tuple[str, str]]:
        """Every (dataset, mouse): mouse numbers are unique within a dataset only."""
        return list(dict.fromkeys((scan.dataset, scan.mouse) for scan in self.scans))

    def excluded_tumors(self) -> dict[tuple[str, str, str], frozenset[int]]:
        """Return, by a scan's key, the numbers of the tumors that ``exclude.csv`` leaves out."""
        numbers = {scan.key: [e.tumor for e in self.exclusions if e.names(scan)] for scan in self.scans}
        return {key: frozenset(n for n in found if n is not None) for key, found in numbers.items() if found}

    def step_folder(self, step: str) -> Path:
        """Return the folder of a step's results, such as ``derivatives/agreement``."""
        return self.out / step

    def volumes_path(self) -> Path:
        """Return the table that holds the volumes of every source."""
        return self.out / "volumes.csv"

    def consensus_path(self, scan: Scan, method: str) -> Path:
        """Return where the consensus of `scan` by `method` (``staple`` or ``majority``) is written."""
        stem = {"staple": "STAPLE", "majority": "Majority"}[method]
        return self._derived("consensus", method, scan, stem)

    def votes_path(self, scan: Scan, measure: str) -> Path:
        """Return where the map of the votes (`measure` ``share`` or ``entropy``) of `scan` is written."""
        return self._derived("consensus", "votes", scan, measure.capitalize())

    def prediction_path(self, scan: Scan, model: str) -> Path:
        """Return where the mask of `scan` by `model` is written."""
        return self._derived("predictions", model, scan, "Prediction")

    def _derived(self, step: str, source: str, scan: Scan, stem: str) -> Path:
        return self.out / step / source / scan.dataset / scan.name / f"{stem}_{scan.name}.nii.gz"


def dataset_name(text: str) -> str | None:
    """Return the clean name of a dataset, ``Dataset 2``, from ``Study 2`` or ``dataset_02``; nothing if it is none."""
    match = DATASET.fullmatch(text)
    return f"Dataset {int(match[1])}" if match else None


def clean_dataset(said: str) -> str | None:
    """Return the clean name of a dataset as people write it in a table: also ``2`` alone."""
    return dataset_name(f"Dataset {said}" if said.isdecimal() else said)


def clean_scan(root: Path, group: tuple[str, str], mouse: str, time: str, annotators: Iterable[str]) -> Scan:
    """Return a scan with the paths that murinoma writes: the clean form of the layout.

    `group` is (dataset, name of the group folder); no file is touched.
    """
    dataset, name = group
    point = TimePoint.parse(time)
    tag = f"{mouse}_{point.label}"
    folder = root / dataset / name / tag
    annotations = {who: folder / f"Annotator_{who}_{tag}.nii.gz" for who in annotators}
    return Scan(dataset, mouse, point, name, folder, folder / f"CT_{tag}.nii.gz", annotations, None)


def new_study(root: Path) -> Study:
    """Return an empty study at `root`, which knows where its files will go; no folder is touched."""
    return Study(root, root / "derivatives", root.name, (), (), (), {})


def sidecar_path(ct: Path) -> Path:
    """Return where the acquisition's parameters stand that belong to a CT file."""
    return ct.with_name(ct.name.removesuffix(".gz").removesuffix(".nii") + ".json")
