"""What `check` says about a study: one test per kind of finding."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.settings import CheckSettings, RunSettings
from murinoma.steps.check import check
from murinoma.study import read_study
from tests.builders import Array, box, three_masks, two_scan_study, write_nifti, write_scan

SHAPE = (8, 8, 8)


def findings(root: Path, out: Path, **settings: float) -> pd.DataFrame:
    """Check the study at `root` and return the table of findings."""
    result = check(read_study(root, out=out), settings=CheckSettings(**settings))  # type: ignore[arg-type]
    assert result.result is not None
    table = pd.read_csv(result.result, keep_default_na=False)
    assert len(table) == result.numbers["errors"] + result.numbers["oddities"]  # type: ignore[operator]
    assert list(table[table.severity == "error"].scan) == [failure.scan for failure in result.failed]
    return table


def kinds(table: pd.DataFrame, scan: str) -> list[str]:
    """Return the kinds of the findings about one scan."""
    return sorted(table[table.scan == scan].kind)


def agreeing(shape: tuple[int, int, int] = SHAPE) -> dict[str, Array]:
    """Return two annotators of one mask."""
    return {name: box(shape, (2, 6), (2, 6), (2, 6)) for name in "AB"}


def ct(shape: tuple[int, int, int] = SHAPE) -> Array:
    """Return a CT without content."""
    return np.full(shape, -400, np.int16)


def test_a_study_without_oddities_has_none(tmp_path: Path) -> None:
    """Two scans with CT and two equal masks: an empty table with its columns, and nothing failed."""
    for scan in ("M01_0d", "M01_8d"):
        write_scan(tmp_path / "study", scan, agreeing(), ct())
    table = findings(tmp_path / "study", tmp_path / "out")
    assert table.empty
    assert list(table.columns) == ["severity", "kind", "scan", "message", "remedy"]


def test_a_mask_of_another_shape_is_an_error_and_the_other_scans_go_on(tmp_path: Path) -> None:
    """The sentence names both files and both sizes; the second scan is still looked at."""
    write_scan(tmp_path / "study", "M01_0d", {**agreeing(), "C": box((8, 8, 9), (2, 6), (2, 6), (2, 6))}, ct())
    write_scan(tmp_path / "study", "M02_0d", {**agreeing(), "C": np.zeros(SHAPE, np.uint8)}, ct())
    table = findings(tmp_path / "study", tmp_path / "out")
    (row,) = table[table.severity == "error"].itertuples()
    assert row.kind == "geometry"
    assert "Annotator_C_M01_0d.nii.gz has 9 x 8 x 8 voxels, CT_M01_0d.nii.gz has 8 x 8 x 8" in str(row.message)
    assert kinds(table, "Dataset 1 M02_0d") == ["empty mask", "missed tumor"]


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    """A truncated CT is named; its masks are read all the same."""
    folder = write_scan(tmp_path / "study", "M01_0d", {"A": agreeing()["A"], "B": np.zeros(SHAPE, np.uint8)}, ct())
    path = folder / "CT_M01_0d.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])
    table = findings(tmp_path / "study", tmp_path / "out")
    assert kinds(table, "Dataset 1 M01_0d") == ["empty mask", "missed tumor", "unreadable"]


def test_headers_that_contradict_themselves_are_said_once_per_study(tmp_path: Path) -> None:
    """Two scans, six files with an identity sform beside 0.21 mm: one finding about the study."""
    for scan in ("M01_0d", "M02_0d"):
        write_scan(tmp_path / "study", scan, agreeing(), ct(), spacing_mm=(0.21, 0.21, 0.21), sform=np.eye(4))
    (row,) = findings(tmp_path / "study", tmp_path / "out", volume_factor=9)[lambda t: t.kind == "header"].itertuples()
    assert str(row.message).startswith("the headers of 6 files contradict themselves")
    assert "0.21 x 0.21 x 0.21" in str(row.message)


def test_a_mask_whose_axes_run_the_other_way_is_odd(tmp_path: Path) -> None:
    """A program that flips an image on saving leaves the voxels of mask and CT apart."""
    folder = write_scan(tmp_path / "study", "M01_0d", {"A": agreeing()["A"]}, ct())
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0])
    write_nifti(folder / "Annotator_B_M01_0d.nii.gz", agreeing()["B"], sform=flipped)
    table = findings(tmp_path / "study", tmp_path / "out")
    assert kinds(table, "Dataset 1 M01_0d") == ["direction"]
    assert "Annotator_B_M01_0d.nii.gz" in table.message[0]


def test_scans_without_tumor_and_empty_masks_are_told_apart(tmp_path: Path) -> None:
    """All masks empty is no tumor; one empty mask beside others is that annotator's to look at."""
    empty = np.zeros(SHAPE, np.uint8)
    write_scan(tmp_path / "study", "M01_0d", {"A": empty, "B": empty}, ct())
    write_scan(tmp_path / "study", "M02_0d", {"A": empty, "B": agreeing()["B"]}, ct())
    table = findings(tmp_path / "study", tmp_path / "out")
    assert kinds(table, "Dataset 1 M01_0d") == ["no tumor"]
    assert kinds(table, "Dataset 1 M02_0d") == ["empty mask", "missed tumor"]


def test_a_label_beyond_the_expected_tumors_is_odd(tmp_path: Path) -> None:
    """255 is what many programs write for a mask; it is taken as tumor, and said."""
    mask = box(SHAPE, (2, 6), (2, 6), (2, 6), label=255)
    write_scan(tmp_path / "study", "M01_0d", {"A": mask, "B": agreeing()["B"]}, ct())
    table = findings(tmp_path / "study", tmp_path / "out")
    assert kinds(table, "Dataset 1 M01_0d") == ["unknown label"]
    assert "the mask of A holds 255" in table.message[0]


def test_a_speck_is_counted(tmp_path: Path) -> None:
    """One voxel of 1 mm3, 10 mm from the tumor, is a speck: listed with what it does and does not count in."""
    shape = (8, 8, 20)
    masks = agreeing(shape)
    masks["A"][4, 4, 18] = 1
    write_scan(tmp_path / "study", "M01_0d", masks, ct(shape))
    (row,) = findings(tmp_path / "study", tmp_path / "out").itertuples()
    assert (row.kind, row.severity) == ("speck", "oddity")
    assert "1 piece under 10 mm3 and more than 3 mm from any tumor" in str(row.message)
    assert "counts in Dice" in str(row.remedy)


def test_volumes_that_differ_by_more_than_the_factor_are_listed(tmp_path: Path) -> None:
    """48, 64 and 80 mm3 differ by 1.67: listed at a factor of 1.5, not at 2."""
    two_scan_study(tmp_path / "study")
    table = findings(tmp_path / "study", tmp_path / "out", volume_factor=1.5)
    differ = table[table.kind == "volumes differ"]
    assert list(differ.scan) == ["Dataset 1 M01_0d", "Dataset 1 M01_8d"]
    assert "48.0 mm3 by A and 80.0 mm3 by C, a factor of 1.7" in differ.message.iloc[0]
    assert "volumes differ" not in set(findings(tmp_path / "study", tmp_path / "out2", volume_factor=2).kind)


def test_an_absent_annotator_and_an_absent_ct_are_listed(tmp_path: Path) -> None:
    """Only where other scans have one; a scan without any annotation is not annotated yet."""
    write_scan(tmp_path / "study", "M01_0d", agreeing(), ct())
    write_scan(tmp_path / "study", "M02_0d", {"A": agreeing()["A"]}, ct())
    write_scan(tmp_path / "study", "M03_0d", {}, ct())
    write_scan(tmp_path / "study", "M04_0d", agreeing())
    table = findings(tmp_path / "study", tmp_path / "out")
    assert kinds(table, "Dataset 1 M02_0d") == ["missing annotator"]
    assert kinds(table, "Dataset 1 M03_0d") == ["not annotated"]
    assert kinds(table, "Dataset 1 M04_0d") == ["no CT"]


def test_a_tumor_count_other_than_expected_is_listed(tmp_path: Path) -> None:
    """`expected_tumors` of study.toml is an expectation: another count is odd, not wrong."""
    write_scan(tmp_path / "study", "M01_0d", agreeing(), ct())
    (tmp_path / "study" / "study.toml").write_text('[datasets."Dataset 1"]\nexpected_tumors = 2\n')
    (row,) = findings(tmp_path / "study", tmp_path / "out").itertuples()
    assert (row.kind, row.message) == ("tumor count", "1 tumors, study.toml expects 2")


def test_a_leap_between_two_days_is_listed(tmp_path: Path) -> None:
    """From 27 to 512 mm3 in a day is no growth."""
    shape = (12, 12, 12)
    for scan, side in (("M01_0d", 3), ("M01_1d", 8)):
        mask = box(shape, (1, 1 + side), (1, 1 + side), (1, 1 + side))
        write_scan(tmp_path / "study", scan, {"A": mask, "B": mask}, ct(shape))
    (row,) = findings(tmp_path / "study", tmp_path / "out").itertuples()
    assert (row.kind, row.scan) == ("jump", "Dataset 1 M01_1d")
    assert "from 27 mm3 at 0d to 512 mm3 at 1d" in str(row.message)


def test_two_mice_of_one_acquisition_that_look_exchanged_are_listed_once(tmp_path: Path) -> None:
    """The small and the large tumor come back the other way round: one finding about the pair, at the later scan."""
    shape = (12, 12, 12)
    for mouse, day, side in (("M01", "0d", 3), ("M02", "0d", 8), ("M01", "1d", 8), ("M02", "1d", 3)):
        mask = box(shape, (1, 1 + side), (1, 1 + side), (1, 1 + side))
        masks = {"A": mask, "B": mask}
        write_scan(tmp_path / "study", f"{mouse}_{day}", masks, ct(shape), group=f"M01_M02_{day}")
    table = findings(tmp_path / "study", tmp_path / "out")
    (row,) = table[table.kind == "exchanged mice"].itertuples()
    assert "M01 and M02 of M01_M02_1d look exchanged" in str(row.message)


def test_names_and_folders_that_are_odd_are_in_the_table(tmp_path: Path) -> None:
    """What the reader of the study found stands beside what the images show."""
    write_scan(tmp_path / "study", "M01_0d", agreeing(), ct())
    (tmp_path / "study" / "Dataset 1" / "M01_0d" / "M02_0d").mkdir()
    (tmp_path / "study" / "notes.docx").write_text("x")
    table = findings(tmp_path / "study", tmp_path / "out")
    assert {"empty folder", "stray file"} <= set(table.kind)


def test_two_folders_of_one_scan_are_an_error(tmp_path: Path) -> None:
    """No step can know which is right, so the scan is out until one of them is gone."""
    for group in ("M01_M02_0d", "M01_M03_0d"):
        write_scan(tmp_path / "study", "M01_0d", agreeing(), ct(), group=group)
    write_scan(tmp_path / "study", "M04_0d", agreeing(), ct())
    table = findings(tmp_path / "study", tmp_path / "out")
    assert list(table[table.severity == "error"].kind) == ["duplicate key", "duplicate key"]


def test_many_oddities_of_a_kind_are_summed_up_on_the_screen_and_whole_in_the_table(tmp_path: Path) -> None:
    """Ten sentences per kind are told; the table has all twelve."""
    for number in range(1, 13):
        write_scan(tmp_path / "study", f"M{number:02d}_0d", three_masks())
    result = check(read_study(tmp_path / "study", out=tmp_path / "out"))
    told = [notice for notice in result.notices if notice.startswith("volumes differ")]
    assert len(told) == 11
    assert told[-1].startswith("volumes differ: 2 more, in ")


def test_the_published_names_and_headers_have_no_errors(skeleton: Path, tmp_path: Path) -> None:
    """The skeleton of the published database: its irregular names are oddities, its sform is said once."""
    result = check(read_study(skeleton, out=tmp_path), how=RunSettings(workers=2))
    assert (result.scans, result.failed) == (452, ())
    assert result.result is not None
    table = pd.read_csv(result.result, keep_default_na=False)
    assert len(table[table.kind == "header"]) == 1
    lost = table[(table.kind == "file name") & table.scan.str.endswith("_22.5h")]
    assert lost.scan.nunique() == 13
    assert {"empty folder", "stray file", "group name"} <= set(table.kind)


def test_real_masks_are_checked(shared_data: Path, tmp_path: Path) -> None:
    """Twenty real nodules by four readers: M06 has two specks, and readers who differ sevenfold."""
    table = findings(shared_data / "lidc_study", tmp_path)
    assert list(table[table.kind == "speck"].scan) == ["Dataset 1 M06_0h"]
    assert table[(table.kind == "volumes differ") & (table.scan == "Dataset 1 M06_0h")].message.item().endswith("7.0")
    assert list(table[table.kind == "no CT"].scan) == [""]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_nothing(tmp_path: Path, workers: int) -> None:
    """One process and two write the same table."""
    two_scan_study(tmp_path / "study")
    first = check(read_study(tmp_path / "study", out=tmp_path / "one"))
    other = check(read_study(tmp_path / "study", out=tmp_path / "many"), how=RunSettings(workers=workers))
    assert first.result is not None
    assert other.result is not None
    assert first.result.read_bytes() == other.result.read_bytes()
