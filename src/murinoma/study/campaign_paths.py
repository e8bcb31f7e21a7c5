"""Where a campaign lies in a study: its plan, the mark that it was revealed, one store per annotator.

The folder is ``STUDY/campaign``, whatever ``--out`` says: annotations are made by people. Paths inside the study are
kept relative to it, so that a study that moved still finds its scans.
"""

from pathlib import Path, PurePosixPath
from urllib.parse import quote

from murinoma.errors import StudyError
from murinoma.study.values import Scan, Study


def campaign_plan_path(study: Study) -> Path:
    """Return where the plan of the campaign is written."""
    return _folder(study) / "plan.json"


def campaign_revealed_path(study: Study) -> Path:
    """Return where it is written that the campaign was revealed."""
    return _folder(study) / "revealed.json"


def campaign_store_path(study: Study, annotator: str) -> Path:
    """Return the store of an annotator; letters that a file system may not take are percent-encoded.

    Two names give two paths, but on file systems that take ``a`` for ``A`` only if they differ by more than that.
    """
    return _folder(study) / f"annotator_{quote(annotator, safe=' ')}.sqlite"


def campaign_lock_path(study: Study, annotator: str) -> Path:
    """Return the file that whoever writes the store of an annotator holds locked."""
    return campaign_store_path(study, annotator).with_suffix(".lock")


def campaign_table_path(study: Study) -> Path:
    """Return the table of all annotations that were revealed."""
    return _folder(study) / "annotations.csv"


def campaign_repeat_path(study: Study, scan: Scan, annotator: str) -> Path:
    """Return where an annotator's second mask of a scan is written, apart from the annotations."""
    return _folder(study) / "repeats" / scan.dataset / scan.name / f"Repeat_{annotator}_{scan.name}.nii.gz"


def path_in_study(study: Study, path: Path) -> str:
    """Return a file of the study as its path below the study's folder, with slashes on every system.

    Raises
    ------
    StudyError
        If it is not in the study.
    """
    if not path.is_relative_to(study.root):
        raise StudyError(f"{path} is not in the study {study.root}; put it there")
    return path.relative_to(study.root).as_posix()


def path_from_study(study: Study, relative: str) -> Path:
    """Return the file that `path_in_study` named, wherever the study is now.

    Raises
    ------
    StudyError
        If the path leads out of the study.
    """
    inside = PurePosixPath(relative)
    if inside.is_absolute() or ".." in inside.parts or "\\" in relative or ":" in relative:
        raise StudyError(f"'{relative}' leads out of the study {study.root}; the paths of a plan stay inside")
    return study.root / inside


def _folder(study: Study) -> Path:
    return study.root / "campaign"
