"""From an acquisition to one CT per mouse, and masks back into it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from murinoma.errors import FileError, GeometryError, UsageError
from murinoma.files import inveon
from murinoma.files.acquisitions import read_acquisition
from murinoma.files.nifti import read_volume, write
from murinoma.files.sidecar import read_sidecar
from murinoma.settings import PhantomDataset, RunSettings, SimulateSettings, SplitSettings
from murinoma.steps.paste import paste
from murinoma.steps.simulate import scan_phantoms
from murinoma.steps.split import SplitJob, read_jobs, split
from murinoma.study import new_study, read_study, sidecar_path
from murinoma.volume import Volume

PAIR = PhantomDataset(2, ("0d",), 2, median_mm3=300.0, log_sd=0.2, growth_per_day=0.05)
SETTINGS = SimulateSettings(seed=2, spacing_mm=0.5, datasets=(PAIR,))
CLIPPED = SplitSettings().range_hu


@pytest.fixture(scope="module")
def acquisitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one acquisition of two phantom mice, written as an Inveon pair."""
    folder = tmp_path_factory.mktemp("scanner") / "files"
    assert scan_phantoms(folder, settings=SETTINGS).scans == 1
    return folder


@pytest.fixture
def image(acquisitions: Path) -> Path:
    """Return the acquisition's voxels."""
    return acquisitions / "Dataset 1" / "M01_M02_0d.img"


def job(file: Path, **more: Any) -> SplitJob:
    """Return a job for two named mice."""
    return replace(SplitJob(file, "Dataset 1", "0d", ("M01", "M02")), **more)


def test_a_table_of_acquisitions_becomes_a_study(acquisitions: Path, tmp_path: Path) -> None:
    """Each mouse has a CT of 40.32 mm by 40.32 mm and the full length, int16 within -400..1000 HU, and a sidecar."""
    result = split(read_jobs(acquisitions / "split.csv"), tmp_path / "study")
    assert (result.scans, result.failed, result.numbers["mice"]) == (1, (), 2)
    study = read_study(tmp_path / "study")
    assert [scan.title for scan in study.scans] == ["Dataset 1 M01_0d", "Dataset 1 M02_0d"]
    whole = read_acquisition(acquisitions / "Dataset 1" / "M01_M02_0d.img").volume
    for scan in study.scans:
        assert scan.ct is not None
        ct = read_volume(scan.ct)
        assert ct.voxels.dtype == np.int16
        assert ct.shape == (whole.shape[0], min(81, whole.shape[1]), 81)
        assert (ct.voxels.min(), ct.voxels.max()) == CLIPPED
        known = read_sidecar(sidecar_path(scan.ct))
        assert known is not None
        assert known.axes["z"] == "rump to nose"
        assert len(known.source_sha256) == 64


def test_dicom_and_inveon_files_of_the_same_mice_give_the_same_cts(image: Path, tmp_path: Path) -> None:
    """The same phantoms written as a DICOM series: other files, the same voxels in each crop."""
    dicom = replace(SETTINGS, scanner_files="dicom")
    assert scan_phantoms(tmp_path / "series", settings=dicom).failed == ()
    split(read_jobs(tmp_path / "series" / "split.csv"), tmp_path / "from dicom")
    split([job(image)], tmp_path / "from inveon")
    pairs = zip(read_study(tmp_path / "from dicom").scans, read_study(tmp_path / "from inveon").scans, strict=True)
    for one, other in pairs:
        assert one.ct is not None
        assert other.ct is not None
        np.testing.assert_array_equal(read_volume(one.ct).voxels, read_volume(other.ct).voxels)


def test_a_crop_is_the_acquisition_at_its_place(image: Path, tmp_path: Path) -> None:
    """Voxel by voxel, by the box of the sidecar and by the affines of both files."""
    split([job(image)], tmp_path)
    whole = read_acquisition(image).volume
    for scan in read_study(tmp_path).scans:
        assert scan.ct is not None
        ct, known = read_volume(scan.ct), read_sidecar(sidecar_path(scan.ct))
        assert known is not None
        box = tuple(slice(*known.box[axis]) for axis in "zyx")
        np.testing.assert_array_equal(ct.voxels, np.clip(whole.voxels[box], *CLIPPED))
        corner = ct.affine @ (0, 0, 0, 1)
        x, y, z = np.linalg.solve(whole.affine, corner)[:3]
        assert [round(z), round(y), round(x)] == [part.start for part in box]


def test_every_tumor_voxel_is_in_the_crop_of_its_mouse_and_of_no_other(acquisitions: Path, tmp_path: Path) -> None:
    """The truth of the acquisition, cut by the sidecars' boxes: all of mouse 1's tumors are in M01's crop."""
    split(read_jobs(acquisitions / "split.csv"), tmp_path / "study")
    truth = read_volume(acquisitions / "Dataset 1" / "M01_M02_0d_truth.nii.gz").voxels
    for place, scan in enumerate(read_study(tmp_path / "study").scans, start=1):
        assert scan.ct is not None
        known = read_sidecar(sidecar_path(scan.ct))
        assert known is not None
        part = truth[tuple(slice(*known.box[axis]) for axis in "zyx")]
        mine = truth // 16 == place
        assert mine.sum() > 1000
        assert (part // 16 == place).sum() == mine.sum()


def test_masks_go_back_into_the_acquisition_exactly(image: Path, tmp_path: Path) -> None:
    """A random mask on each crop lies in the pasted file where its crop was, and nothing lies elsewhere."""
    split([job(image)], tmp_path / "study")
    rng = np.random.default_rng(1)
    expected = np.zeros(read_acquisition(image).volume.shape, np.uint8)
    masks = []
    for number, scan in enumerate(read_study(tmp_path / "study").scans, start=1):
        assert scan.ct is not None
        ct, known = read_volume(scan.ct), read_sidecar(sidecar_path(scan.ct))
        assert known is not None
        mask = (rng.random(ct.shape) < 0.1).astype(np.uint8) * number
        write(ct.with_voxels(mask), tmp_path / f"{number}.nii.gz")
        masks.append(tmp_path / f"{number}.nii.gz")
        part = expected[tuple(slice(*known.box[axis]) for axis in "zyx")]
        part[mask > 0] = mask[mask > 0]
    result = paste(masks, image, tmp_path / "pasted.nii.gz")
    assert result.result == tmp_path / "pasted.nii.gz"
    found: Any = nib.load(result.result)
    np.testing.assert_array_equal(np.asanyarray(found.dataobj).T, expected)


def test_a_mask_of_another_acquisition_is_refused(image: Path, tmp_path: Path) -> None:
    """Another spacing, half a voxel beside the grid, or outside: one sentence, and nothing is written."""
    whole = read_acquisition(image).volume
    beside = whole.affine.copy()
    beside[0, 3] += 0.25
    outside = whole.affine.copy()
    outside[2, 3] -= 5
    for affine, said in (
        (np.diag([0.4, 0.4, 0.4, 1]), "voxels of"),
        (beside, "does not lie on the voxels"),
        (outside, "outside"),
    ):
        write(Volume(np.ones((4, 4, 4), np.uint8), affine), tmp_path / "mask.nii.gz")
        with pytest.raises(GeometryError, match=said):
            paste([tmp_path / "mask.nii.gz"], image, tmp_path / "pasted.nii.gz")
    assert not (tmp_path / "pasted.nii.gz").exists()


def test_a_window_given_by_hand_counts(image: Path, tmp_path: Path) -> None:
    """M01's box is taken as it is; M02's is found."""
    by_hand = slice(0, 50), slice(5, 45), slice(3, 63)
    result = split([job(image, boxes=(("M01", by_hand),))], tmp_path)
    first, second = read_study(tmp_path).scans
    assert first.ct is not None
    assert second.ct is not None
    assert read_volume(first.ct).shape == (50, 40, 60)
    assert read_volume(second.ct).shape[2] == 81
    assert any("M01 was cut out by the box" in notice for notice in result.notices)


def test_the_wrong_number_of_names_writes_nothing(image: Path, tmp_path: Path) -> None:
    """Three names for two mice: the sentence says both numbers and the remedy; another acquisition goes on."""
    jobs = [job(image, mice=("M01", "M02", "M03")), job(image, time="1d")]
    result = split(jobs, tmp_path)
    (failure,) = result.failed
    assert "shows 2 mice, 3 are named" in failure.message
    assert "correct --mice" in failure.message
    assert [scan.name for scan in read_study(tmp_path).scans] == ["M01_1d", "M02_1d"]


def test_an_empty_place_takes_no_name(image: Path, tmp_path: Path) -> None:
    """``M01,-,M03`` names two mice."""
    split([job(image, mice=("M01", "-", "M03"))], tmp_path)
    assert [scan.mouse for scan in read_study(tmp_path).scans] == ["M01", "M03"]


def test_a_ct_from_elsewhere_is_not_replaced_without_force_and_annotations_never(image: Path, tmp_path: Path) -> None:
    """Somebody's CT stays; with force it is replaced, and the mask beside it is untouched and mentioned."""
    folder = tmp_path / "Dataset 1" / "M01_M02_0d" / "M01_0d"
    folder.mkdir(parents=True)
    theirs, mask = folder / "CT_M01_0d.nii.gz", folder / "Annotator_A_M01_0d.nii.gz"
    theirs.write_bytes(b"somebody's CT")
    mask.write_bytes(b"somebody's mask")
    (failure,) = split([job(image)], tmp_path).failed
    assert "is there already, from another source" in failure.message
    assert theirs.read_bytes() == b"somebody's CT"
    result = split([job(image)], tmp_path, how=RunSettings(force=True))
    assert result.failed == ()
    assert mask.read_bytes() == b"somebody's mask"
    assert any("Annotator_A_M01_0d.nii.gz beside it stayed" in notice for notice in result.notices)
    assert read_volume(theirs).voxels.dtype == np.int16


def test_what_is_done_is_skipped_until_something_about_it_changes(image: Path, tmp_path: Path) -> None:
    """The same job waits for nothing; with axes named it is done again."""
    dry = RunSettings(dry_run=True)
    split([job(image)], tmp_path)
    assert split([job(image)], tmp_path, how=dry).numbers["waiting"] == 0
    named = job(image, axes="right to left, belly to back, rump to nose")
    assert split([named], tmp_path, how=dry).numbers["waiting"] == 1
    assert split([named], tmp_path).failed == ()


def test_another_acquisition_does_not_forget_the_first(image: Path, tmp_path: Path) -> None:
    """A facility splits day by day into one study; each stays done."""
    split([job(image)], tmp_path)
    split([job(image, time="8d")], tmp_path)
    both = [job(image), job(image, time="8d")]
    assert split(both, tmp_path, how=RunSettings(dry_run=True)).numbers == {"waiting": 0, "done": 2}


def test_acquisitions_of_one_day_may_have_the_same_file_name(acquisitions: Path, tmp_path: Path) -> None:
    """Two folders with a ``ct.img`` each, at one time point: each has its own entry, and no mouse is forgotten."""
    jobs = []
    for number, mice in enumerate((("M01", "M02"), ("M03", "M04"))):
        folder = tmp_path / f"scan{number}"
        folder.mkdir()
        for ending in (".img", ".img.hdr"):
            source = acquisitions / "Dataset 1" / f"M01_M02_0d{ending}"
            (folder / f"ct{ending}").write_bytes(source.read_bytes())
        jobs.append(job(folder / "ct.img", mice=mice))
    assert split(jobs, tmp_path / "study").numbers["mice"] == 4
    record = json.loads((new_study(tmp_path / "study").step_folder("split") / "record.json").read_text())
    assert [sorted(entry["result"]["mice"]) for entry in record["scans"].values()] == [["M01", "M02"], ["M03", "M04"]]
    assert split(jobs, tmp_path / "study", how=RunSettings(dry_run=True)).numbers == {"waiting": 0, "done": 2}


def test_the_full_range_is_kept_when_asked(image: Path, tmp_path: Path) -> None:
    """Without clipping the crop holds the scanner's own values."""
    split([job(image)], tmp_path, settings=SplitSettings(range_hu=(-32768, 32767)))
    ct = read_study(tmp_path).scans[0].ct
    assert ct is not None
    assert read_volume(ct).voxels.min() < -900


def test_the_sheet_of_an_acquisition_is_a_picture_in_the_step_folder(image: Path, tmp_path: Path) -> None:
    """``derivatives/split/Dataset 1/M01_M02_0d.png``."""
    split([job(image)], tmp_path)
    sheet = new_study(tmp_path).step_folder("split") / "Dataset 1" / "M01_M02_0d.png"
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_an_empty_field_fails_with_the_reason(tmp_path: Path) -> None:
    """No mouse: nothing is written but the sentence."""
    inveon.write(Volume(np.full((40, 60, 60), -1000, np.int16), np.diag([0.5, 0.5, 0.5, 1])), tmp_path / "empty.img")
    (failure,) = split([SplitJob(tmp_path / "empty.img", "Dataset 1", "0d")], tmp_path / "study").failed
    assert "shows 0 mice, at least one is needed (there is no bone in the field" in failure.message


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"time": "day 8"}, "is not a time point"),
        ({"dataset": "Cohort"}, "'Cohort' is no dataset"),
        ({"mice": ("M01", "M01")}, "would come from"),
    ],
)
def test_jobs_that_name_no_place_are_refused_before_anything_is_read(
    changed: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """A wrong time or dataset, and one scan twice."""
    with pytest.raises(UsageError, match=said):
        split([job(tmp_path / "absent.img", **changed)], tmp_path / "study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    "text", ["", "file,dataset\n", "file,dataset,time,mice\n", "file,dataset,time,mice,expect\na,1,0d,M01,x\n"]
)
def test_a_table_that_cannot_be_understood_is_refused(text: str, tmp_path: Path) -> None:
    """The sentence names the table and what a row needs."""
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(FileError, match=r"split\.csv"):
        read_jobs(tmp_path / "split.csv")


def test_the_real_two_mice_are_split(shared_data: Path, tmp_path: Path) -> None:
    """Two mice, left then right; each crop holds its flank tumor and under 1 % of the other animal."""
    file = shared_data / "inveon_two_mice_0.39mm.nii.gz"
    result = split([SplitJob(file, "Dataset 2", "8d", ("M01", "M02"))], tmp_path)
    assert (result.failed, result.numbers["mice"]) == ((), 2)
    record = json.loads((new_study(tmp_path).step_folder("split") / "record.json").read_text())
    (entry,) = record["scans"].values()
    boxes = [mouse["box"] for mouse in entry["result"]["mice"].values()]
    assert boxes[0]["x"][0] < boxes[1]["x"][0]
    for box, (low, high) in zip(boxes, ((59, 143), (142, 225)), strict=True):
        assert box["x"][0] <= low + 3
        assert box["x"][1] >= high - 3
        assert box["z"] == [0, 339]
        assert box["x"][1] - box["x"][0] == 103
    assert all(mouse["foreign_share"] < 0.01 for mouse in entry["result"]["mice"].values())
