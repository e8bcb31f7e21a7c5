"""The layout of a study as it really is: what is read, what is odd, what is refused."""

import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from murinoma import published
from murinoma.errors import StudyError
from murinoma.study import DatasetNotes, Finding, Study, read_study
from tests.builders import box, two_scan_study, write_nifti, write_scan

Form = Literal["NFC", "NFD"]  # accents in one letter, or in two as macOS stores them
MASK = {"A": box((2, 2, 2), (0, 1), (0, 1), (0, 1))}
LOST = [f"M{mouse:02}" for mouse in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15)]


def names(study: Study) -> list[str]:
    """Return the scans of a study as people write them."""
    return [scan.title for scan in study.scans]


def kinds(study: Study) -> list[tuple[str, str]]:
    """Return severity and kind of every finding."""
    return [(finding.severity, finding.kind) for finding in study.findings]


def touch(path: Path) -> Path:
    """Make an empty file; the reader opens no image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


# the clean form


def test_a_clean_study_is_read_without_a_finding(tmp_path: Path) -> None:
    """One mouse, two days: the scans in the order of time, with their files."""
    study = read_study(two_scan_study(tmp_path))
    assert names(study) == ["Dataset 1 M01_0d", "Dataset 1 M01_8d"]
    assert study.findings == ()
    assert study.datasets == ["Dataset 1"]
    assert study.annotators == ["A", "B", "C"]
    assert study.mice == [("Dataset 1", "M01")]
    first = study.scans[0]
    assert first.key == ("Dataset 1", "M01", "0d")
    assert first.ct is None
    assert first.annotations["B"] == tmp_path / "Dataset 1" / "M01_0d" / "M01_0d" / "Annotator_B_M01_0d.nii.gz"
    assert study.out == tmp_path / "derivatives"


def test_scans_are_sorted_by_dataset_mouse_and_hours(tmp_path: Path) -> None:
    """Dataset 2 before Dataset 10, M2 before M10, 22.5h before 1d before 13d."""
    for dataset, scan in (("Dataset 10", "M1_0d"), ("Dataset 2", "M10_0d"), ("Dataset 2", "M2_13d")):
        write_scan(tmp_path, scan, MASK, dataset=dataset)
    for scan in ("M2_1d", "M2_22.5h", "M2_3h"):
        write_scan(tmp_path, scan, MASK, dataset="Dataset 2")
    assert names(read_study(tmp_path)) == [
        "Dataset 2 M2_3h", "Dataset 2 M2_22.5h", "Dataset 2 M2_1d", "Dataset 2 M2_13d", "Dataset 2 M10_0d",
        "Dataset 10 M1_0d",
    ]  # fmt: skip


@pytest.mark.parametrize("folder", ["Study 1", "study_01", "Dataset1", "dataset 1", "DATASET-1"])
def test_a_dataset_folder_may_be_spelled_otherwise(tmp_path: Path, folder: str) -> None:
    """The authors' first release said Study 1; the dataset is Dataset 1 in all that is written."""
    write_scan(tmp_path, "M01_0d", MASK, dataset=folder)
    assert names(read_study(tmp_path)) == ["Dataset 1 M01_0d"]


def test_the_root_may_be_above_the_datasets_or_one_of_them(tmp_path: Path) -> None:
    """Two folders above (as an archive unpacks), the study itself, and one dataset give the same scans."""
    root = two_scan_study(tmp_path / "archive" / "TumSeg database")
    for place in (tmp_path, tmp_path / "archive", root, root / "Dataset 1"):
        assert names(read_study(place)) == ["Dataset 1 M01_0d", "Dataset 1 M01_8d"]
    assert read_study(tmp_path).out == root / "derivatives"


def test_a_study_called_study_3_is_a_study(tmp_path: Path) -> None:
    """A root whose own name looks like a dataset, with datasets in it."""
    assert names(read_study(two_scan_study(tmp_path / "Study 3")))[0] == "Dataset 1 M01_0d"


def test_a_folder_with_two_studies_asks_which(tmp_path: Path) -> None:
    """The error names both."""
    two_scan_study(tmp_path / "ours")
    two_scan_study(tmp_path / "theirs")
    with pytest.raises(StudyError, match=r"several studies \('ours', 'theirs'\)"):
        read_study(tmp_path)


def test_out_takes_the_place_of_derivatives(tmp_path: Path) -> None:
    """Results go where `out` says, by step, source and scan."""
    study = read_study(two_scan_study(tmp_path / "study"), out=tmp_path / "out")
    assert study.step_folder("agreement") == tmp_path / "out" / "agreement"
    assert study.volumes_path() == tmp_path / "out" / "volumes.csv"


def test_results_inside_the_study_are_not_its_scans(tmp_path: Path) -> None:
    """Consensus masks under derivatives, models and campaign are neither scans nor strays."""
    two_scan_study(tmp_path)
    touch(tmp_path / "derivatives/consensus/staple/Dataset 1/M01_0d/STAPLE_M01_0d.nii.gz")
    touch(tmp_path / "models/unet/model.json")
    touch(tmp_path / "campaign/plan.json")
    study = read_study(tmp_path)
    assert len(study.scans) == 2
    assert study.findings == ()


# irregular, as in the published database


def test_masks_are_paired_by_the_tag_of_the_ct(tmp_path: Path) -> None:
    """Folder M01_22.5h, files ..._M01_22: the time is 22.5 h, all files are found, and it is one oddity."""
    folder = tmp_path / "Dataset 1/M01_M02_22.5h/M01_22.5h"
    for stem in ("CT", "Annotator_A", "Annotator_B", "STAPLE"):
        touch(folder / f"{stem}_M01_22.nii.gz")
    study = read_study(tmp_path)
    (scan,) = study.scans
    assert scan.time.hours == 22.5
    assert scan.ct == folder / "CT_M01_22.nii.gz"
    assert list(scan.annotations) == ["A", "B"]
    assert scan.staple == folder / "STAPLE_M01_22.nii.gz"
    assert ("oddity", "file name") in kinds(study)


def test_the_mice_come_from_the_scan_folders_not_from_the_group(tmp_path: Path) -> None:
    """A group that names a mouse it does not hold, and holds one that it does not name."""
    write_scan(tmp_path, "M14_8d", MASK, group="M14_M24_8d")
    write_scan(tmp_path, "M15_8d", MASK, group="M14_M24_8d")
    study = read_study(tmp_path)
    assert names(study) == ["Dataset 1 M14_8d", "Dataset 1 M15_8d"]
    assert kinds(study) == [("oddity", "group name")] * 2


def test_an_empty_scan_folder_is_an_oddity(tmp_path: Path) -> None:
    """It is no scan; the others are."""
    two_scan_study(tmp_path)
    (tmp_path / "Dataset 1" / "M02_0d" / "M02_0d").mkdir(parents=True)
    study = read_study(tmp_path)
    assert len(study.scans) == 2
    assert kinds(study) == [("oddity", "empty folder")]


def test_stray_files_are_oddities_everywhere(tmp_path: Path) -> None:
    """In the root, a dataset, a group and a scan; hidden files and archive leftovers are passed over."""
    two_scan_study(tmp_path)
    for place in ("", "Dataset 1", "Dataset 1/M01_0d", "Dataset 1/M01_0d/M01_0d"):
        touch(tmp_path / place / "notes.txt")
        touch(tmp_path / place / ".DS_Store")
        touch(tmp_path / place / "__MACOSX" / "._x")
    study = read_study(tmp_path)
    assert len(study.scans) == 2
    assert kinds(study) == [("oddity", "stray file")] * 4


def test_an_image_in_the_group_folder_does_not_hide_its_scans(tmp_path: Path) -> None:
    """A CT of the whole acquisition, left in the group folder: the scans below are still there."""
    write_scan(tmp_path, "M01_8d", MASK, group="M01_M02_8d")
    write_scan(tmp_path, "M02_8d", MASK, group="M01_M02_8d")
    touch(tmp_path / "Dataset 1/M01_M02_8d/CT_M01_8d.nii.gz")
    assert names(read_study(tmp_path)) == ["Dataset 1 M01_8d", "Dataset 1 M02_8d"]


def test_an_image_beside_a_scan_of_one_does_not_hide_it(tmp_path: Path) -> None:
    """A group of one with its scan folder, and a copy of the CT one level too high."""
    write_scan(tmp_path, "M15_0h", MASK)
    touch(tmp_path / "Dataset 1/M15_0h/CT_M15_0h.nii.gz")
    (scan,) = read_study(tmp_path).scans
    assert list(scan.annotations) == ["A"]


def test_a_group_of_one_may_lack_its_own_scan_folder(tmp_path: Path) -> None:
    """Files directly in the group folder M15_0h are the scan M15_0h."""
    touch(tmp_path / "Dataset 1/M15_0h/Annotator_A_M15_0h.nii.gz")
    assert names(read_study(tmp_path)) == ["Dataset 1 M15_0h"]


def test_masks_need_no_ct_and_a_ct_needs_no_masks(tmp_path: Path) -> None:
    """Both are scans, with what is there."""
    touch(tmp_path / "Dataset 1/M01_0d/M01_0d/Annotator_A_M01_0d.nii.gz")
    touch(tmp_path / "Dataset 1/M02_0d/M02_0d/CT_M02_0d.nii")
    first, second = read_study(tmp_path).scans
    assert (first.ct, list(first.annotations)) == (None, ["A"])
    assert (second.ct is not None, dict(second.annotations)) == (True, {})


@pytest.mark.parametrize(
    "annotator", ["Anna Maria", "Ærøskøbing", "O'Brien", 'the "best"', "A_2", "a,b", "1", "Jürgen", "李", "x" * 60]
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_annotator_may_have_any_name(tmp_path: Path, annotator: str, form: Form) -> None:
    """Blanks, accents (in one letter or in two), quotes, underscores and commas; the name comes back in NFC."""
    stored = unicodedata.normalize(form, annotator)
    touch(tmp_path / "Dataset 1/M01_0d/M01_0d" / f"Annotator_{stored}_M01_0d.nii.gz")
    assert read_study(tmp_path).annotators == [annotator]


@pytest.mark.parametrize("mouse", ["M 01", "Mäuschen", "O'Brien", 'M"1"', "017", "m-1.2", "²", "鼠1"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_mouse_may_have_any_name(tmp_path: Path, mouse: str, form: Form) -> None:
    """Folder and files named alike are no finding, in either form of accents; the name comes back in NFC."""
    stored = unicodedata.normalize(form, mouse)
    touch(tmp_path / f"Dataset 1/{stored}_0d/{stored}_0d/CT_{stored}_0d.nii.gz")
    study = read_study(tmp_path)
    assert study.findings == ()
    assert study.mice == [("Dataset 1", mouse)]


def test_the_study_folder_itself_may_have_any_name(tmp_path: Path) -> None:
    """Blanks, quotes and accents in the path of the root."""
    root = two_scan_study(tmp_path / 'Mäuse \'n "Tumoren" (2)')
    assert len(read_study(root).scans) == 2


def test_a_name_that_is_no_text_is_a_finding(tmp_path: Path) -> None:
    """Latin-1 bytes from an old archive cannot be written to any table: an error with the remedy, the rest goes on."""
    two_scan_study(tmp_path)
    folder = os.fsencode(tmp_path) + b"/Dataset 1/M\xe4_0d/M\xe4_0d"
    os.makedirs(folder)  # noqa: PTH103 - pathlib takes no bytes
    Path(os.fsdecode(folder + b"/CT_M\xe4_0d.nii.gz")).touch()
    study = read_study(tmp_path)
    assert names(study) == ["Dataset 1 M01_0d", "Dataset 1 M01_8d"]
    assert "error" in [finding.severity for finding in study.findings]
    for finding in study.findings:
        assert finding.sentence.encode()


# contradictions


def test_two_folders_of_one_scan_are_both_left_out(tmp_path: Path) -> None:
    """Also when one says 24h and the other 1d: an error for each, and the other scans go on."""
    for scan, group in (("M01_24h", "M01_24h"), ("M01_1d", "M01_1d"), ("M02_1d", "M02_1d")):
        write_scan(tmp_path, scan, MASK, group=group)
    study = read_study(tmp_path)
    assert names(study) == ["Dataset 1 M02_1d"]
    assert kinds(study) == [("error", "duplicate key")] * 2


@pytest.mark.parametrize("second", ["CT_M01_0d.nii", "CT_M01_0.nii.gz", "ct_M01_0d.nii.gz"])
def test_two_files_of_one_role_are_an_error(tmp_path: Path, second: str) -> None:
    """Zipped and not, whole and damaged tag, large and small letters: which one is right is for people to say."""
    for name in ("CT_M01_0d.nii.gz", second):
        touch(tmp_path / "Dataset 1/M01_0d/M01_0d" / name)
    write_scan(tmp_path, "M02_0d", MASK)
    study = read_study(tmp_path)
    assert names(study) == ["Dataset 1 M02_0d"]
    assert ("error", "duplicate file") in kinds(study)


def test_a_file_of_another_scan_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    """A mask of M09 in the folder of M01: the scan is left out, the sentence names file and folder."""
    folder = write_scan(tmp_path, "M01_0d", MASK, ct=np.zeros((2, 2, 2), np.int16))
    touch(folder / "Annotator_B_M09_0d.nii.gz")
    study = read_study(tmp_path)
    assert study.scans == ()
    (finding,) = study.findings
    assert finding.severity == "error"
    assert "Annotator_B_M09_0d.nii.gz" in finding.sentence
    assert finding.sentence.startswith("Dataset 1 M01_0d: ")
    assert "move it to its own scan" in finding.sentence


def test_a_folder_called_like_an_image_is_stray(tmp_path: Path) -> None:
    """Only files are images."""
    folder = write_scan(tmp_path, "M01_0d", MASK)
    (folder / "CT_M01_0d.nii.gz").mkdir()
    study = read_study(tmp_path)
    assert study.scans[0].ct is None
    assert kinds(study) == [("oddity", "stray file")]


# refused


def test_what_is_no_study_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """A missing folder, an empty one, a file, and datasets without scans: each names the folder and the layout."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow/Dataset 1").mkdir(parents=True)
    touch(tmp_path / "file")
    for name in ("missing", "empty", "hollow", "file"):
        with pytest.raises(StudyError, match=f"{name} .*Dataset") as caught:
            read_study(tmp_path / name)
        assert "\n" not in str(caught.value)


def as_nobody(root: Path) -> str:
    """Read a study as a user who has no rights of root, and return what was said."""
    code = """
import os, sys
os.setgid(65534), os.setuid(65534)
from pathlib import Path
from typing import Literal
from murinoma.errors import StudyError
from murinoma.study import read_study
try:
    study = read_study(Path(sys.argv[1]))
    print([scan.name for scan in study.scans], *(finding.sentence for finding in study.findings))
except StudyError as error:
    print("StudyError", error)
"""
    # the package is loaded before the rights go: the checkout may lie where nobody may read
    start = "import murinoma.study, murinoma.errors\n"
    done = subprocess.run([sys.executable, "-c", start + code, str(root)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a temporary folder that every user can enter."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    folder = tmp_path_factory.mktemp("open")
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o055 != 0o055:  # those that pytest made: how many depends on its processes
            parent.chmod(0o755)
    return folder


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_a_study_that_cannot_be_read_is_refused(open_tmp: Path, mode: int) -> None:
    """No rights at all, names without entry, entry without names: one sentence that says to check permissions."""
    root = two_scan_study(open_tmp / "study")
    root.chmod(mode)
    said = as_nobody(root)
    root.chmod(0o755)
    assert said.startswith("StudyError")
    assert "permissions" in said


@pytest.mark.parametrize("mode", [0o000, 0o444])
@pytest.mark.parametrize("inside", ["Dataset 1/M01_0d/M01_0d", "Dataset 1/M01_0d", "lost+found"])
def test_a_folder_inside_that_cannot_be_read_does_not_stop_the_others(open_tmp: Path, inside: str, mode: int) -> None:
    """One scan, one group, or a folder of the system beside the datasets: the scan M01_8d is still read."""
    root = two_scan_study(open_tmp / "study")
    locked = root / inside
    locked.mkdir(exist_ok=True)
    locked.chmod(mode)
    said = as_nobody(root)
    locked.chmod(0o755)
    assert "'M01_8d'" in said


# what people write beside a study


def exclude(root: Path, *rows: str, head: str = "dataset,mouse,time,tumor,reason,who,when") -> None:
    """Write ``exclude.csv``."""
    (root / "exclude.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")


@pytest.mark.parametrize("dataset", ["Dataset 1", "1", "Study 1", " dataset 1 "])
@pytest.mark.parametrize("time", ["8d", "192h"])
def test_an_excluded_scan_is_not_read(tmp_path: Path, dataset: str, time: str) -> None:
    """The dataset may be written in any way, the time in hours or days; the reason is kept."""
    exclude(two_scan_study(tmp_path), f"{dataset},M01,{time},,motion,me,today")
    study = read_study(tmp_path)
    assert names(study) == ["Dataset 1 M01_0d"]
    assert [(row.title, row.reason) for row in study.exclusions] == [(f"Dataset 1 M01_{time}", "motion")]
    assert study.findings == ()


def test_an_excluded_tumor_leaves_the_scan(tmp_path: Path) -> None:
    """A row with a tumor number takes that tumor alone."""
    exclude(two_scan_study(tmp_path), "Dataset 1,M01,8d,2,necrotic")
    study = read_study(tmp_path)
    assert len(study.scans) == 2
    assert [row.tumor for row in study.exclusions] == [2]


def test_an_exclusion_that_matches_nothing_is_an_oddity(tmp_path: Path) -> None:
    """A typing error must not pass in silence."""
    exclude(two_scan_study(tmp_path), "Dataset 1,M09,8d,,motion")
    assert kinds(read_study(tmp_path)) == [("oddity", "exclusion")]


@pytest.mark.parametrize(
    "rows",
    [
        ("Dataset 1,M01",),
        ("Dataset 1,M01,soon,,x",),
        ("mine,M01,8d,,x",),
        ("Dataset 1,M01,8d,one,x",),
        ("x" * 200_000,),
    ],
)
def test_an_exclusion_that_cannot_be_understood_is_refused(tmp_path: Path, rows: tuple[str, ...]) -> None:
    """A short row, no time, no dataset, no number, a field beyond reason: one sentence with file and columns."""
    exclude(two_scan_study(tmp_path), *rows)
    with pytest.raises(StudyError, match=r"exclude\.csv cannot be read .*dataset, mouse, time, tumor, reason"):
        read_study(tmp_path)


def test_an_exclusion_table_without_a_column_is_refused(tmp_path: Path) -> None:
    """The error says which columns are needed."""
    exclude(two_scan_study(tmp_path), "Dataset 1,M01", head="dataset,mouse")
    with pytest.raises(StudyError, match="needs the columns"):
        read_study(tmp_path)


def test_a_dataset_read_alone_keeps_the_studys_tables(tmp_path: Path) -> None:
    """Naming STUDY/Dataset 1 must not bring back what STUDY/exclude.csv leaves out."""
    exclude(two_scan_study(tmp_path), "Dataset 1,M01,8d,,motion")
    assert names(read_study(tmp_path / "Dataset 1")) == ["Dataset 1 M01_0d"]


def test_study_toml_gives_title_and_notes(tmp_path: Path) -> None:
    """Title, year, expected tumors and time points of a dataset; time points come sorted by hours."""
    (two_scan_study(tmp_path) / "study.toml").write_text(
        'format = "murinoma.study/1"\ntitle = "Größe"\n'
        '[datasets."Dataset 1"]\nyear = 2024\nexpected_tumors = 2\ntime_points = ["8d", "22.5h", "0d"]\n',
        encoding="utf-8",
    )
    study = read_study(tmp_path)
    assert study.title == "Größe"
    notes = study.notes["Dataset 1"]
    assert (notes.year, notes.expected_tumors) == (2024, 2)
    assert [time.label for time in notes.time_points] == ["0d", "22.5h", "8d"]


def test_study_toml_says_how_scans_were_made(tmp_path: Path) -> None:
    """Numbers and words as they are written; ``kVp`` is read as ``kvp``; a dataset's own axes win over the file's."""
    write_scan(two_scan_study(tmp_path), "M01_0d", MASK, dataset="Dataset 2")
    (tmp_path / "study.toml").write_text(
        'axes = "back to belly,right to left, rump to nose"\n'
        '[datasets."Dataset 1"]\nkVp = 70\nua = 500\nms = 350.5\nscanner = "Inveon"\nreconstruction = "Feldkamp"\n'
        'bed = "two-storey"\nsite = " flank "\naxes = "left to right, belly to back, nose to rump"\n'
    )
    notes = read_study(tmp_path).notes
    first = notes["Dataset 1"]
    assert (first.kvp, first.ua, first.ms, first.scanner) == (70.0, 500.0, 350.5, "Inveon")
    assert (first.reconstruction, first.bed, first.site) == ("Feldkamp", "two-storey", "flank")
    assert first.axes == "left to right, belly to back, nose to rump"
    assert notes["Dataset 2"] == DatasetNotes(axes="back to belly, right to left, rump to nose")


@pytest.mark.parametrize("name", ["2", "Study 2", "dataset_02"])
def test_notes_find_their_dataset_however_it_is_written(tmp_path: Path, name: str) -> None:
    """Readers take `2` and `Study 2` for `Dataset 2`, here as everywhere."""
    write_scan(tmp_path, "M01_0d", MASK, dataset="Dataset 2")
    (tmp_path / "study.toml").write_text(f'[datasets."{name}"]\nyear = 2024\n')
    assert read_study(tmp_path).notes["Dataset 2"].year == 2024


@pytest.mark.parametrize(
    "text",
    [
        "title = ",
        'datasets = "x"',
        '[datasets]\n"Dataset 1" = 3',
        '[datasets."Dataset 1"]\nyear = "soon"',
        '[datasets."Dataset 1"]\ntime_points = [8]',
        '[datasets."Dataset 1"]\ntime_points = ["8 days"]',
        '[datasets."Dataset 1"]\nkvp = "70 kV"',
        '[datasets."Dataset 1"]\nua = -500',
        '[datasets."Dataset 1"]\nms = nan',
        '[datasets."Dataset 1"]\nms = true',
        '[datasets."Dataset 1"]\nbed = 3',
        '[datasets."Dataset 1"]\naxes = "back to belly"',
        'axes = "back to belly, back to belly, rump to nose"',
        'axes = "z, y, x"',
        "axes = 3",
        'format = "murinoma.study/2"',
        "title = '\xff'",
    ],
)
def test_study_toml_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    """One sentence that names the file."""
    (two_scan_study(tmp_path) / "study.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(StudyError, match=r"study\.toml"):
        read_study(tmp_path)


def test_without_study_toml_the_folder_is_the_title(tmp_path: Path) -> None:
    """Nothing needs to be written for a study to be read."""
    study = read_study(two_scan_study(tmp_path / "My mice"))
    assert (study.title, dict(study.notes)) == ("My mice", {})


# the published database


def test_the_skeleton_is_the_published_database(skeleton: Path) -> None:
    """10 datasets, 223 mice, 452 scans, each with a CT, three annotators and a STAPLE mask; no error among them."""
    study = read_study(skeleton)
    assert study.datasets == [f"Dataset {number}" for number in range(1, 11)]
    assert (len(study.mice), len(study.scans)) == (223, 452)
    assert study.annotators == ["A", "B", "C"]
    assert all(len(scan.annotations) == 3 and scan.ct and scan.staple for scan in study.scans)
    assert {finding.severity for finding in study.findings} == {"oddity"}
    assert published.published_datasets(scan.key for scan in study.scans) == study.datasets


def test_the_13_scans_with_the_lost_half_hour_are_there(skeleton: Path) -> None:
    """Dataset 1 at 22.5 h: the time is whole, the files are those with the damaged tag."""
    scans = [scan for scan in read_study(skeleton).scans if scan.time.label == "22.5h"]
    assert [(scan.dataset, scan.mouse) for scan in scans] == [("Dataset 1", mouse) for mouse in LOST]
    assert all(scan.ct is not None and scan.ct.name == f"CT_{scan.mouse}_22.nii.gz" for scan in scans)


def test_the_odd_names_of_the_database_are_found(skeleton: Path) -> None:
    """13 damaged tags, two empty folders, three strays, three wrong groups (the other two hold an empty folder)."""
    study = read_study(skeleton)
    counts = {kind: kinds(study).count(("oddity", kind)) for _, kind in kinds(study)}
    assert counts == {"file name": 13, "group name": 3, "empty folder": 2, "stray file": 3}


def test_the_first_release_of_the_database_is_recognised_too(skeleton: Path, tmp_path: Path) -> None:
    """Folders called Study 1 to Study 10 hold the same scans."""
    for dataset in sorted(skeleton.glob("Dataset *")):
        shutil.copytree(dataset, tmp_path / dataset.name.replace("Dataset", "Study"))
    study = read_study(tmp_path)
    assert len(study.scans) == 452
    assert len(published.published_datasets(scan.key for scan in study.scans)) == 10


def test_real_masks_in_a_dataset_called_dataset_1_are_not_the_published_ones(shared_data: Path) -> None:
    """lidc_study: 20 scans, annotators A to D, no finding, and not recognised."""
    study = read_study(shared_data / "lidc_study")
    assert len(study.scans) == 20
    assert study.annotators == ["A", "B", "C", "D"]
    assert study.findings == ()
    assert published.published_datasets(scan.key for scan in study.scans) == []


def test_a_finding_is_one_sentence_with_place_and_remedy() -> None:
    """Place, message and remedy, in this order."""
    finding = Finding("error", "duplicate file", "Dataset 1 M01_0d", "two CTs", "keep the right one")
    assert finding.sentence == "Dataset 1 M01_0d: two CTs; keep the right one"


def test_reading_a_study_changes_nothing(tmp_path: Path) -> None:
    """No file is made, touched or opened for writing."""
    write_nifti(two_scan_study(tmp_path) / "Dataset 1/M01_0d/M01_0d/CT_M01_0d.nii.gz", np.zeros((8, 8, 8), np.int16))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    read_study(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
