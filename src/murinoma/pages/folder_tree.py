"""Figure 3 of the paper: the folders of a study as they are, one scan in full and the others counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Branch:
    """A folder or file, what it is, and what it holds; `counted` marks a line that stands for others."""

    name: str
    note: str = ""
    inside: tuple["Branch", ...] = ()
    counted: bool = False


def folder_tree(
    root: str,
    scans: Sequence[PurePath],
    files: Mapping[str, str],
    *,
    example: int = 0,
    beside: Mapping[str, str] | None = None,
) -> Branch:
    """Return the tree of a study.

    Parameters
    ----------
    root
        Name of the study's folder.
    scans
        The folder of each scan, from the study's folder on.
    files
        Name -> what it is, of the example's files.
    example
        Which scan is shown with its files.
    beside
        Name -> what it is, of the folders beside the datasets.

    Examples
    --------
    >>> tree = folder_tree("S", [PurePath("D/G/M1"), PurePath("D/G/M2")], {"CT.nii": "CT"})
    >>> tree.inside[0].inside[0].inside[1].note
    '1 more folder of a scan'
    """
    inside = _level([path.parts for path in scans], scans[example].parts, files) if scans else ()
    others = [Branch(f"{name}/", note) for name, note in (beside or {}).items()]
    return Branch(f"{root}/", "the study", (*inside, *others))


def _level(paths: Sequence[tuple[str, ...]], shown: tuple[str, ...], files: Mapping[str, str]) -> tuple[Branch, ...]:
    """Return the branches of one folder: the shown one in full, then how many others there are."""
    if not shown:
        return tuple(Branch(name, note) for name, note in files.items())
    first, rest = shown[0], shown[1:]
    mine = [path[1:] for path in paths if path[0] == first]
    others = [path for path in paths if path[0] != first]
    branch = Branch(f"{first}/", inside=_level([path for path in mine if path], rest, files))
    return (branch, *_counted(others, rest))


def _counted(others: Sequence[tuple[str, ...]], rest: tuple[str, ...]) -> tuple[Branch, ...]:
    if not others:
        return ()
    folders, scans = len({path[0] for path in others}), len(others)
    if not rest:
        note = f"{_some(folders, 'more folder')} of a scan"
    else:
        note = f"{_some(folders, 'more folder')} with {_some(scans, 'scan')}"
    return (Branch("…", note, counted=True),)


def _some(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"
