"""Find which files of a foreign folder belong to which scans: what nnU-Net, TumSeg or another program has written.

A file belongs to a scan if its path below the folder names it: the scan (``M02_8d``), and the dataset before it
(``Dataset 2``, ``Dataset002``, ``D2``), unless only one dataset of the study has a scan of that name::

    D2_M02_8d.nii.gz        Dataset 2/M02_8d_seg.nii.gz        Dataset002/M01_M02_8d/M02_8d/mask.nii

What is said last counts, so that the scan's own folder wins over its group's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from murinoma.errors import StudyError
from murinoma.study.values import Scan, Study

ENDINGS = (".nii.gz", ".nii")
DATASET = re.compile(r"(?:dataset|study|(?<![A-Za-z0-9])d)[ _-]*0*(\d+)(?!\d)", re.IGNORECASE)
LETTER = re.compile(r"[^\W_]")
Key = tuple[str, str, str]


@dataclass(frozen=True)
class FoundMasks:
    """The files of a folder by the key of their scan, and those that belong to no scan of the study."""

    masks: Mapping[Key, tuple[Path, ...]]
    strangers: tuple[Path, ...]


def find_masks(study: Study, folder: Path) -> FoundMasks:
    """Return which NIfTI files below `folder` belong to which scans, sorted by their paths.

    Raises
    ------
    StudyError
        If there is no such folder, it holds no NIfTI file, or none of a scan of this study.
    """
    if not folder.is_dir():
        raise StudyError(f"{folder} is no folder; name the one that holds the masks")
    files = sorted(_images(folder))
    if not files:
        raise StudyError(f"{folder} holds no NIfTI file (.nii.gz, .nii); name the folder that holds the masks")
    by_name: dict[str, list[Scan]] = {}
    for scan in study.scans:
        by_name.setdefault(scan.name, []).append(scan)
    masks: dict[Key, tuple[Path, ...]] = {}
    strangers = []
    for path in files:
        named = _scan_of(path.relative_to(folder).as_posix(), by_name)
        if named is None:
            strangers.append(path)
        else:
            masks[named.key] = (*masks.get(named.key, ()), path)
    if not masks:
        raise StudyError(
            f"none of the {len(files)} files below {folder} names a scan of {study.root} (first {files[0].name}); "
            "name them like 'D2_M02_8d.nii.gz'"
        )
    return FoundMasks(masks, tuple(strangers))


def _images(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.name.endswith(ENDINGS) and path.is_file() and not is_hidden:
            yield path


def _scan_of(path: str, by_name: Mapping[str, list[Scan]]) -> Scan | None:
    """Return the scan that a path names last; nothing if it names none, or one of several datasets without saying."""
    places = {name: _last_place(path, name) for name in by_name if name in path}
    name = max(places, key=lambda one: (places[one], len(one)), default="")
    if not name or places[name] < 0:
        return None
    scans, datasets = by_name[name], DATASET.findall(path[: places[name]])
    if datasets:
        return next((scan for scan in scans if scan.dataset == f"Dataset {int(datasets[-1])}"), None)
    return scans[0] if len(scans) == 1 else None


def _last_place(path: str, name: str) -> int:
    """Return where a path names a scan last, as a whole word; -1 if it does not."""
    place = path.rfind(name)
    while place >= 0:
        before, after = path[:place][-1:], path[place + len(name) :][:1]
        if not LETTER.match(before) and not LETTER.match(after):
            return place
        place = path.rfind(name, 0, place)
    return -1
