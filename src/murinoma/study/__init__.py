"""A study on disk: which scans there are, which files belong to each, and where results go.

This is the only room that spells a path. It reads names and folders, and the tables that people keep beside
them (``study.toml``, ``exclude.csv``); it opens no image::

    STUDY/Dataset 2/M01_M02_8d/M02_8d/CT_M02_8d.nii.gz             dataset / group / scan / file
                                      Annotator_A_M02_8d.nii.gz
                                      STAPLE_M02_8d.nii.gz         a published consensus: input, never written
    STUDY/derivatives/<step>/                                      what murinoma computed

What the reader accepts beyond this clean form is listed in ``docs/study_layout.md``.
"""

from murinoma.study.notes import axes_meaning
from murinoma.study.reader import read_study
from murinoma.study.values import (
    DatasetNotes,
    Exclusion,
    Finding,
    Scan,
    Study,
    TimePoint,
    clean_dataset,
    clean_scan,
    new_study,
    sidecar_path,
)

__all__ = [
    "DatasetNotes",
    "Exclusion",
    "Finding",
    "Scan",
    "Study",
    "TimePoint",
    "axes_meaning",
    "clean_dataset",
    "clean_scan",
    "new_study",
    "read_study",
    "sidecar_path",
]
