"""A phantom study on disk."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from murinoma.errors import StudyError
from murinoma.files.masks import read_annotations
from murinoma.files.nifti import read_volume
from murinoma.settings import PhantomDataset, RunSettings, SimulateSettings
from murinoma.steps.agree import agree
from murinoma.steps.simulate import simulate
from murinoma.study import read_study

SMALL = SimulateSettings(
    seed=3,
    spacing_mm=0.63,
    datasets=(PhantomDataset(2, ("0d", "8d"), 2, median_mm3=300.0, log_sd=0.3, growth_per_day=0.05),),
)


def contents(root: Path) -> dict[Path, bytes]:
    """Return what all files below `root` hold except records; of gzipped ones what was packed."""
    found = (path for path in sorted(root.rglob("*")) if path.is_file() and path.name != "record.json")
    return {path.relative_to(root): unpacked(path) for path in found}


def unpacked(path: Path) -> bytes:
    """Return the bytes in a file; ISA-L was once seen to pack the same bytes into another stream."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a phantom study of two mice at two time points."""
    root = tmp_path_factory.mktemp("phantom") / "study"
    assert simulate(root, settings=SMALL).scans == 4
    return root


def test_a_phantom_study_has_the_clean_layout(phantom: Path) -> None:
    """Two mice, two days, three annotators and a CT in each scan, and nothing odd about a name."""
    study = read_study(phantom)
    assert [scan.title for scan in study.scans] == [
        "Dataset 1 M01_0d", "Dataset 1 M01_8d", "Dataset 1 M02_0d", "Dataset 1 M02_8d",
    ]  # fmt: skip
    assert study.findings == ()
    assert study.annotators == ["A", "B", "C"]
    assert all(scan.ct is not None and scan.group == f"M01_M02_{scan.time.label}" for scan in study.scans)


def test_the_truth_stands_beside_as_a_prediction(phantom: Path) -> None:
    """The true mask has the CT's grid and two tumors; the annotators' volumes lie around it."""
    study = read_study(phantom)
    for scan in study.scans:
        assert scan.ct is not None
        truth, ct = read_volume(study.prediction_path(scan, "truth")), read_volume(scan.ct)
        assert truth.shape == ct.shape
        assert truth.spacing_mm == pytest.approx(ct.spacing_mm)
        assert set(truth.voxels.ravel()) == {0, 1, 2}
        true_voxels = int((truth.voxels > 0).sum())
        for mask in read_annotations(scan).masks.values():
            assert (mask > 0).sum() == pytest.approx(true_voxels, rel=0.4)


def test_annotators_of_a_phantom_agree_about_as_people_do(phantom: Path, tmp_path: Path) -> None:
    """Mean Dice of the coarse sample is between 0.75 and 0.97; the calibration has its own table in the evidence."""
    result = agree(read_study(phantom, out=tmp_path))
    assert 0.75 < result.numbers["dice_mean"] < 0.97  # type: ignore[operator]
    tumors = pd.read_csv(tmp_path / "agreement" / "tumors.csv")
    assert len(tumors) == 8


def test_the_same_seed_gives_the_same_study_in_any_number_of_processes(phantom: Path, tmp_path: Path) -> None:
    """A second study made by two processes is identical, file by file."""
    simulate(tmp_path / "again", settings=SMALL, how=RunSettings(workers=2))
    assert contents(tmp_path / "again") == contents(phantom)


def test_what_is_there_is_not_made_again(phantom: Path) -> None:
    """A second run finds every file and writes none."""
    before = {path: path.stat().st_mtime_ns for path in phantom.rglob("CT_*.nii.gz")}
    assert simulate(phantom, settings=SMALL).scans == 4
    assert {path: path.stat().st_mtime_ns for path in phantom.rglob("CT_*.nii.gz")} == before


def test_a_folder_with_something_else_in_it_is_refused(phantom: Path, tmp_path: Path) -> None:
    """People's files are never in the way, nor is a phantom study with another seed, nor a file."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StudyError, match="is not empty and holds no phantom study"):
        simulate(tmp_path, settings=SMALL)
    with pytest.raises(StudyError, match="made with other settings"):
        simulate(phantom, settings=SimulateSettings(seed=4, spacing_mm=0.63, datasets=SMALL.datasets))
    with pytest.raises(StudyError, match="is a file"):
        simulate(tmp_path / "notes.txt", settings=SMALL)
    assert (tmp_path / "notes.txt").read_text() == "mine"
