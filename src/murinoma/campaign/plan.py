"""The plan of a campaign: for every annotator an own random order of opaque codes, and which scan is behind each.

``plan.json`` is written once. It follows from the seed, the annotators and the scans alone, and its number is the
hash of its content: a plan that was edited is refused, and so is the store of another plan.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from murinoma.campaign.orders import draw_codes, draw_order
from murinoma.errors import FileError, StudyError, UsageError
from murinoma.files.versioned import read_versioned, write_versioned_once
from murinoma.study import Scan, Study
from murinoma.study.campaign_paths import campaign_plan_path, path_from_study, path_in_study

FORMAT = "murinoma.campaign-plan/1"
NOTE = "This file names the scan behind every code. Annotators do not open it."
REMEDY = "put back the copy of your backup; without it no code can be told from another"
FREE_SPACE = "free space, or make the folder writable"
FORBIDDEN = set('/\\:*?"<>|')  # some file system takes them for something else
RESERVED = ("staple", "majority")  # sources of their own
LONGEST_NAME = 50

Key = tuple[str, str, str]


@dataclass(frozen=True)
class HandedOut:
    """A scan as it is handed out: its key, its CT relative to the study, and what the CT was then."""

    dataset: str
    mouse: str
    time: str
    ct: str
    size: int
    sha256: str

    @property
    def key(self) -> Key:
        """Dataset, mouse and time point."""
        return self.dataset, self.mouse, self.time

    @property
    def title(self) -> str:
        """The scan's name for the coordinator, ``Dataset 2 M02_8d``."""
        return f"{self.dataset} {self.mouse}_{self.time}"


@dataclass(frozen=True)
class Assignment:
    """One scan for one annotator: the code is all that the annotator sees; `repeat` is 1 for its second time."""

    code: str
    scan: HandedOut = field(repr=False)
    repeat: int = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """A campaign as it was planned.

    Attributes
    ----------
    campaign
        Its number: the hash of all the rest.
    seed, repeat_share
        What the orders were drawn with.
    protocol
        The settings of the annotation, the same for everybody.
    orders
        Annotator -> assignments in the annotator's own order.
    """

    campaign: str
    seed: int
    repeat_share: float
    protocol: Mapping[str, Any]
    orders: Mapping[str, tuple[Assignment, ...]] = field(repr=False)

    @property
    def annotators(self) -> list[str]:
        """Names of the annotators, in the order they were given."""
        return list(self.orders)

    def order_of(self, annotator: str) -> tuple[Assignment, ...]:
        """Return the assignments of an annotator, in order.

        Raises
        ------
        UsageError
            If the campaign has no such annotator.
        """
        return self.orders[self.name_of(annotator)]

    def name_of(self, annotator: str) -> str:
        """Return the name as the plan has it: accents in one letter each.

        Raises
        ------
        UsageError
            If the campaign has no such annotator.
        """
        name = unicodedata.normalize("NFC", annotator)
        if name not in self.orders:
            raise UsageError(f"the campaign has no annotator '{annotator}'; it has {', '.join(self.orders)}")
        return name


def create_plan(
    study: Study, annotators: Sequence[str], *, seed: int, repeat_share: float, protocol: Mapping[str, Any]
) -> Plan:
    """Write the plan of a new campaign over all scans of `study` that have a CT, and return it.

    The same scans are repeated for everybody, `repeat_share` (0..1) of them, rounded, and at least one unless it
    is 0. `protocol` is kept as it is; JSON can hold it.

    Raises
    ------
    UsageError
        If a name cannot be an annotator's, the share is no share, or the study has a campaign already.
    StudyError
        If no scan has a CT.
    FileError, OutputError
        If a CT cannot be read, or the plan cannot be written.
    """
    names = [unicodedata.normalize("NFC", name) for name in annotators]
    path = campaign_plan_path(study)
    if path.exists():
        raise UsageError(f"there is a campaign already, {path}; a plan is written once, move its folder away for a new")
    _check_names(names, study)
    scans = [handed_out(study, scan, scan.ct) for scan in study.scans if scan.ct is not None]
    if not scans:
        raise StudyError(f"no scan of {study.root} has a CT; there is nothing to annotate")
    content = {
        "seed": seed,
        "repeat_share": repeat_share,
        "protocol": dict(protocol),
        "scans": [asdict(scan) for scan in scans],
        "orders": _draw(names, len(scans), seed, _repeats(len(scans), repeat_share)),
    }
    document = {"note": NOTE, "campaign": _number(content), **content}
    if not write_versioned_once(document, path, kind=FORMAT, remedy=FREE_SPACE):
        raise UsageError(f"another campaign was made at the same moment, {path}; look at it before you make one")
    return read_plan(study)


def handed_out(study: Study, scan: Scan, ct: Path) -> HandedOut:
    """Return what a plan says about a scan and its CT.

    Raises
    ------
    FileError
        If the CT cannot be read.
    """
    size, sha256 = fingerprint(ct)
    return HandedOut(*scan.key, path_in_study(study, ct), size, sha256)


def fingerprint(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return path.stat().st_size, digest
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}; check its permissions") from error


def is_as_handed_out(study: Study, scan: HandedOut) -> bool:
    """Tell whether the CT of a scan is there, and the same to the byte as when the plan was made."""
    try:
        path = path_from_study(study, scan.ct)
        return path.stat().st_size == scan.size and fingerprint(path) == (scan.size, scan.sha256)
    except (OSError, FileError, StudyError):
        return False


def read_plan(study: Study) -> Plan:
    """Return the plan of the campaign of `study`.

    Raises
    ------
    UsageError
        If there is no campaign.
    FileError
        If the plan is damaged, was changed, or is of a newer format.
    """
    path = campaign_plan_path(study)
    plan = read_versioned(path, _build, kind=FORMAT, remedy=REMEDY)
    if plan is None:
        raise UsageError(f"{study.root} has no campaign; make one with 'murinoma campaign new'")
    return plan


def _build(content: dict[str, Any]) -> Plan:
    content.pop("note", None)
    number = content.pop("campaign")
    if number != _number(content):
        raise ValueError("its content is not what it was when the campaign was made")
    scans = [HandedOut(**scan) for scan in content.pop("scans")]
    orders = {
        name: tuple(Assignment(code, scans[index], repeat) for code, index, repeat in order)
        for name, order in content.pop("orders").items()
    }
    return Plan(number, **content, orders=orders)


def _number(content: Mapping[str, Any]) -> str:
    """Return the hash that names a campaign."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _draw(names: Sequence[str], n_scans: int, seed: int, n_repeats: int) -> dict[str, list[tuple[str, int, int]]]:
    """Return for each annotator (code, scan, time met before) in order."""
    rng = np.random.default_rng(seed)
    repeated = sorted(int(index) for index in rng.choice(n_scans, n_repeats, replace=False))
    orders = {name: draw_order(n_scans, repeated, rng=rng) for name in names}
    codes = iter(draw_codes(len(names) * (n_scans + n_repeats), rng=rng))
    return {
        name: [(next(codes), index, order[:place].count(index)) for place, index in enumerate(order)]
        for name, order in orders.items()
    }


def _repeats(n_scans: int, share: float) -> int:
    if not 0 <= share <= 1:
        raise UsageError(f"{share:g} is no share of the scans to repeat; give 0 to 1, or 0 to 100 %")
    if share and n_scans == 1:
        raise UsageError("a single scan cannot be repeated: it would come directly after itself; leave repeats out")
    return max(1, round(share * n_scans)) if share else 0


def _check_names(names: Sequence[str], study: Study) -> None:
    """Refuse names that are no file names, or that a file system may take for one another."""
    if not names:
        raise UsageError("a campaign needs an annotator; name them, such as A,B,C")
    for name in names:
        if not _is_file_name(name):
            raise UsageError(
                f"an annotator cannot be called {name!r}: the name becomes part of a file's name; use letters, "
                f"digits, blanks inside, at most {LONGEST_NAME} of them"
            )
        if name.casefold() in RESERVED:
            raise UsageError(f"an annotator cannot be called '{name}', which is a consensus; choose another name")
        if sum(other.casefold() == name.casefold() for other in names) > 1:
            raise UsageError(f"two annotators are called '{name}', capitals aside; give each a name of its own")
    wanted = {name.casefold() for name in names}
    taken = [known for known in study.annotators if known.casefold() in wanted]
    if taken:
        raise UsageError(
            f"the study has annotations of {', '.join(taken)} already, and a campaign overwrites none; "
            "choose other names"
        )


def _is_file_name(name: str) -> bool:
    return (
        0 < len(name) <= LONGEST_NAME
        and name == name.strip()
        and not name.startswith(".")
        and name.isprintable()
        and not FORBIDDEN & set(name)
    )
