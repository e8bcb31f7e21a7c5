"""Time points, names of datasets, and the paths that murinoma writes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import StudyError
from murinoma.study import TimePoint, clean_scan, read_study, sidecar_path


def test_times_are_compared_in_hours() -> None:
    """22.5h is 22.5 hours, 8d is 192; 24h and 1d are equal, with each its own label."""
    assert TimePoint.parse("22.5h").hours == 22.5
    assert TimePoint.parse("8d").hours == 192
    assert TimePoint.parse("24h") == TimePoint.parse("1d")
    assert TimePoint.parse("22.5h") < TimePoint.parse("1d") < TimePoint.parse("13d")


@given(number=st.integers(0, 10_000), unit=st.sampled_from("hd"))
def test_any_whole_time_keeps_its_label(number: int, unit: str) -> None:
    """The label is what people wrote."""
    label = f"{number}{unit}"
    assert TimePoint.parse(label).label == label


@pytest.mark.parametrize("label", ["", "d", "8", "8D", "8 d", "-8d", "8.d", ".5h", "8d\n", "1e3h", "8w"])
def test_what_is_no_time_is_refused(label: str) -> None:
    """A number and h or d, nothing else; the error shows an example."""
    with pytest.raises(StudyError, match=r"is not a time point; .*22\.5h"):
        TimePoint.parse(label)


def test_the_clean_form_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """The paths of `clean_scan`, once written, are a study with that scan and no finding."""
    scan = clean_scan(tmp_path, ("Dataset 2", "M01_M02_8d"), "M01", "8d", ["A", "B"])
    assert scan.ct is not None
    for path in (scan.ct, *scan.annotations.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    other = clean_scan(tmp_path, ("Dataset 2", "M01_M02_8d"), "M02", "8d", ["A"])
    other.annotations["A"].parent.mkdir(parents=True)
    other.annotations["A"].touch()
    study = read_study(tmp_path)
    assert study.scans[0] == scan
    assert study.findings == ()


def test_the_sidecar_of_a_ct_lies_beside_it() -> None:
    """CT_M01_8d.json for a zipped and for a plain CT; it is no stray file."""
    for suffix in (".nii", ".nii.gz"):
        assert sidecar_path(Path("x/CT_M01_22.5h" + suffix)) == Path("x/CT_M01_22.5h.json")


def test_derived_files_are_named_by_the_key(tmp_path: Path) -> None:
    """The damaged tag of a file never travels on: M01_22.5h in every result."""
    folder = tmp_path / "Dataset 1/M01_22.5h/M01_22.5h"
    folder.mkdir(parents=True)
    (folder / "CT_M01_22.nii.gz").touch()
    study = read_study(tmp_path)
    (scan,) = study.scans
    out = tmp_path / "derivatives"
    assert study.consensus_path(scan, "staple") == out / "consensus/staple/Dataset 1/M01_22.5h/STAPLE_M01_22.5h.nii.gz"
    assert (
        study.prediction_path(scan, "unet") == out / "predictions/unet/Dataset 1/M01_22.5h/Prediction_M01_22.5h.nii.gz"
    )
