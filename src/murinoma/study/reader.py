"""Read the layout of a study: folders and names, with all the irregularities of the published database."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from murinoma.errors import StudyError
from murinoma.study.notes import read_exclusions, read_notes
from murinoma.study.values import Finding, Scan, Study, TimePoint, dataset_name

SCAN = re.compile(r"(?P<mouse>[^_]+)_(?P<time>\d+(?:\.\d+)?[hd])")
IMAGE = re.compile(
    r"(?:(?P<kind>CT|STAPLE)|Annotator_(?P<annotator>.+))_(?P<tag>[^_]+_[^_]+?)\.nii(?:\.gz)?", re.IGNORECASE
)
SIDECAR = re.compile(r"CT_.+\.json", re.IGNORECASE)
RESERVED = {"derivatives", "campaign", "models", "assignment"}
TABLES = {"study.toml", "mice.csv", "events.csv", "exclude.csv", "tumors.csv", "plan.toml"}
LAYOUT_HINT = "'Dataset 1/M01_M02_0d/M01_0d/CT_M01_0d.nii.gz'"


def read_study(root: Path, *, out: Path | None = None) -> Study:
    """Return the study at `root`: a folder of datasets, the folder above it, or one dataset.

    Raises
    ------
    StudyError
        If `root` is missing, a file or unreadable, holds no scan or more than one study, or ``study.toml`` or
        ``exclude.csv`` cannot be understood.
    """
    root = _study_root(Path(root))
    scans, findings = [], list(_stray_in_root(root))
    for folder in _dataset_folders(root):
        for scan, found in _read_dataset(folder):
            scans += [scan] if scan is not None else []
            findings += found
    scans, doubled = _without_duplicates(scans)
    tables = root.parent if _dataset_folders(root) == [root] else root  # a dataset's tables lie beside it
    title, notes = read_notes(tables)
    exclusions, unmatched = read_exclusions(tables, scans)
    left = [s for s in scans if not any(e.tumor is None and e.names(s) for e in exclusions)]
    findings += [*doubled, *unmatched]
    if not scans and not any(finding.severity == "error" for finding in findings):
        raise StudyError(f"{root} has dataset folders but no scan in them; a scan is a folder like {LAYOUT_HINT}")
    left.sort(key=lambda s: (_natural(s.dataset), _natural(s.mouse), s.time))
    out = root / "derivatives" if out is None else Path(out)
    return Study(root, out, title, tuple(left), tuple(findings), tuple(exclusions), notes)


def _study_root(root: Path) -> Path:
    if not root.exists():
        raise StudyError(f"{root} does not exist; name the folder that holds 'Dataset 1', 'Dataset 2', ...")
    if not root.is_dir():
        raise StudyError(f"{root} is a file; a study is a folder that holds {LAYOUT_HINT}")
    for _ in range(3):  # an unpacked archive may wrap the study in a folder or two
        if _dataset_folders(root):
            return root
        inner = [child for child in _folders(root) if _dataset_folders(child) or len(_folders(root)) == 1]
        if len(inner) > 1:
            names = ", ".join(f"'{child.name}'" for child in inner)
            raise StudyError(f"{root} holds several studies ({names}); name one of them")
        if not inner:
            break
        root = inner[0]
    raise StudyError(f"{root} holds no folder named 'Dataset <number>'; a study looks like {LAYOUT_HINT}")


def _dataset_folders(root: Path) -> list[Path]:
    """Return the dataset folders of `root`, or `root` itself if it is one."""
    inside = [child for child in _folders(root) if dataset_name(child.name)]
    if inside or not dataset_name(root.name):
        return inside
    return [root] if any(SCAN.search(child.name) for child in _folders(root)) else []


def _entries(folder: Path) -> list[Path]:
    """Return what people put into a folder, sorted; hidden files and archive leftovers are not theirs."""
    try:
        found = sorted(folder.iterdir())
        if found:
            found[0].lstat()  # a folder may show its names and yet let nobody in
    except OSError as error:
        raise StudyError(
            f"cannot read the folder {folder}: {error.strerror or error}; check its permissions"
        ) from error
    return [path for path in found if not path.name.startswith(".") and path.name != "__MACOSX"]


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir() and path.name not in RESERVED]


def _stray_in_root(root: Path) -> Iterator[Finding]:
    datasets = _dataset_folders(root)
    for path in _entries(root) if datasets != [root] else []:
        if path not in datasets and path.name not in RESERVED | TABLES:
            yield _stray(path, "")


def _stray(path: Path, scan: str) -> Finding:
    remedy = f"nothing reads it; files of a scan are named as in {LAYOUT_HINT}"
    return Finding("oddity", "stray file", scan, f"{path} is not part of a study", remedy)


def _read_dataset(folder: Path) -> Iterator[tuple[Scan | None, list[Finding]]]:
    """Yield every scan folder of a dataset as (scan or nothing, findings)."""
    dataset = dataset_name(folder.name) or folder.name
    for group in _entries(folder):
        if not _is_text(group):
            yield None, [_no_text(group)]
        elif not group.is_dir():
            yield None, [_stray(group, "")]
        elif group.name not in RESERVED:
            try:
                yield from _read_group(group, dataset)
            except StudyError as error:
                yield None, [_unreadable(group, error)]


def _is_text(path: Path) -> bool:
    """Tell whether a name can be written to a table: old archives hold names in other encodings than UTF-8."""
    return path.name.encode(errors="ignore").decode() == path.name


def _no_text(path: Path) -> Finding:
    shown = str(path).encode(errors="replace").decode()
    return Finding("error", "file name", "", f"{shown} has a name that is no UTF-8 text", "rename it")


def _unreadable(folder: Path, error: StudyError) -> Finding:
    what, _, remedy = str(error).rpartition("; ")
    return Finding("error", "unreadable folder", folder.name, what, remedy)


def _nfc(path: Path) -> str:
    """Return a name with its accents in one letter each: macOS stores them in two."""
    return unicodedata.normalize("NFC", path.name)


def _read_group(group: Path, dataset: str) -> Iterator[tuple[Scan | None, list[Finding]]]:
    held = []
    inside = _entries(group)
    scans = [path for path in inside if path.is_dir() and SCAN.fullmatch(_nfc(path))]
    if not scans and any(IMAGE.fullmatch(_nfc(path)) for path in inside):
        yield _read_scan(group, dataset, _nfc(group))  # a group of one without a folder of its own
        return
    for folder in inside:
        if not _is_text(folder):
            yield None, [_no_text(folder)]
        elif folder in scans:
            held.append(_nfc(folder))
            try:
                yield _read_scan(folder, dataset, _nfc(group))
            except StudyError as error:
                yield None, [_unreadable(folder, error)]
        else:
            yield None, [_stray(folder, "")]
    *mice, time = _nfc(group).split("_")
    found = {SCAN.fullmatch(name)["mouse"] for name in held}  # type: ignore[index]
    absent = sorted(set(mice) - found)
    wrong = sorted(name for name in held if not name.endswith(f"_{time}") or name.split("_")[0] not in mice)
    yield (
        None,
        [
            Finding("oddity", "group name", "", f"{group} {what}", "the scan folders count, not the group's name")
            for what in (
                f"names {', '.join(absent)} but holds no such scan" if absent else "",
                f"holds {', '.join(wrong)}, which its name does not say" if wrong else "",
            )
            if what
        ],
    )


def _read_scan(folder: Path, dataset: str, group: str) -> tuple[Scan | None, list[Finding]]:
    """Return the scan in a folder, or nothing if it is empty or its files contradict one another."""
    match = SCAN.fullmatch(_nfc(folder))
    if match is None:
        return None, [_stray(folder, "")]
    time = TimePoint.parse(match["time"])
    scan = Scan(dataset, match["mouse"], time, group, folder, None, {}, None)
    images, findings = _images_of(scan)
    if not images:
        remedy = "put its CT or masks there, or delete the folder"
        return None, [*findings, Finding("oddity", "empty folder", scan.title, f"{folder} holds no image", remedy)]
    findings += _name_findings(scan, images)
    if any(finding.severity == "error" for finding in findings):
        return None, findings
    by_role = {role: path for role, _, path in images}
    annotations = {role[1]: path for role, path in sorted(by_role.items()) if role[0] == "annotator"}
    ct, staple = by_role.get(("ct", "")), by_role.get(("staple", ""))
    return replace(scan, ct=ct, annotations=annotations, staple=staple), findings


Image = tuple[tuple[str, str], str, Path]  # (kind, annotator), tag, path


def _images_of(scan: Scan) -> tuple[list[Image], list[Finding]]:
    images: list[Image] = []
    findings = []
    for path in _entries(scan.folder):
        if not _is_text(path):
            findings.append(_no_text(path))
            continue
        match = IMAGE.fullmatch(_nfc(path))
        if match and path.is_file():
            role = (match["kind"].lower(), "") if match["kind"] else ("annotator", match["annotator"])
            images.append((role, match["tag"], path))
        elif not SIDECAR.fullmatch(path.name):
            findings.append(_stray(path, scan.title))
    return images, findings


def _name_findings(scan: Scan, images: list[Image]) -> Iterator[Finding]:
    """Yield what is odd or wrong about the names in a scan folder: the folder says which scan it is.

    Masks are paired by the CT's own tag, which may be damaged: 13 published scans lost the ``.5h`` of ``22.5h``.
    """
    own = {scan.name, scan.name.split(".")[0]}
    ct_tags = {tag for role, tag, _ in images if role[0] == "ct"}
    for role, count in Counter(role for role, _, _ in images).items():
        if count > 1:
            what = "CTs" if role[0] == "ct" else f"files of {' '.join(role).strip()}"
            yield Finding(
                "error", "duplicate file", scan.title, f"{scan.folder} holds {count} {what}", "keep the right one"
            )
    for tag in sorted({tag for _, tag, _ in images} - {scan.name}):
        files = ", ".join(path.name for _, other, path in images if other == tag)
        if tag in own | ct_tags:
            remedy = "the folder's name counts; rename the files if it is the right one"
            yield Finding("oddity", "file name", scan.title, f"{files} disagree with the folder {scan.folder}", remedy)
        else:
            remedy = "move it to its own scan, or rename it if it belongs here"
            yield Finding("error", "file name", scan.title, f"{files} in {scan.folder} name another scan", remedy)


def _without_duplicates(scans: list[Scan]) -> tuple[list[Scan], list[Finding]]:
    """Return the scans whose key is unique, and an error for each of the others."""

    def key(scan: Scan) -> tuple[str, str, TimePoint]:
        return scan.dataset, scan.mouse, scan.time

    counts = Counter(key(scan) for scan in scans)
    findings = [
        Finding(
            "error", "duplicate key", scan.title, f"{scan.folder} is one of {counts[key(scan)]} folders of this scan",
            "keep one of them",
        )
        for scan in scans
        if counts[key(scan)] > 1
    ]  # fmt: skip
    return [scan for scan in scans if counts[key(scan)] == 1], findings


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts M2 before M10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name) if part]
