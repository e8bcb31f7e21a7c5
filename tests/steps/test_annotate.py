"""Drawing in memory: labels in, labels out, each step one to undo, saved at once, and blind to which scan it is."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from murinoma.campaign import Store, create_plan, open_store, read_plan
from murinoma.errors import FileError, GeometryError, InputError, MurinomaError, OutputError, UsageError
from murinoma.files.nifti import read_volume
from murinoma.numerics.interpolate import interpolate_slices
from murinoma.numerics.tissue import voxels_leaving
from murinoma.settings import AnnotationSettings
from murinoma.steps.annotate import Sitting, open_campaign, open_file, sit_down
from murinoma.study import read_study
from murinoma.study.campaign_paths import path_from_study
from tests.builders import box, write_nifti, write_scan

Labels = npt.NDArray[np.uint8]

SHAPE = (40, 16, 18)
SPACING_MM = (0.5, 0.4, 0.25)
AIR, BONE = slice(0, 4), slice(14, 18)  # along x; soft tissue between
SECRETS = ("Dataset", "M07", "M08", "M09", "8d", "CT_", "Annotator_", "STAPLE_")


def ct_of(value: int) -> npt.NDArray[np.int16]:
    """Return a CT of soft tissue between air and bone; `value` tells it from others."""
    ct = np.full(SHAPE, 40 + value, np.int16)
    ct[..., AIR], ct[..., BONE] = -400, 900
    return ct


def square(x: tuple[int, int], label: int = 1, y: tuple[int, int] = (4, 10)) -> Labels:
    """Return a slice with a rectangle of one tumor."""
    plane = np.zeros(SHAPE[1:], np.uint8)
    plane[slice(*y), slice(*x)] = label
    return plane


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a study of three mice with a campaign of annotator A."""
    for value, mouse in enumerate(("M07", "M08", "M09")):
        write_scan(tmp_path / "study", f"{mouse}_8d", ct=ct_of(value), dataset="Dataset 2", spacing_mm=SPACING_MM)
    study = read_study(tmp_path / "study")
    create_plan(study, ["A"], seed=1, repeat_share=0.0, protocol=asdict(AnnotationSettings()))
    return tmp_path / "study"


@pytest.fixture
def sitting(root: Path) -> Iterator[Sitting]:
    """Return a sitting with the first scan open."""
    opened = open_campaign(read_study(root), "A")
    opened.open_next()
    yield opened
    opened.close()


def whole_tumor(sitting: Sitting, x: tuple[int, int] = (6, 12), label: int = 1) -> None:
    """Draw a box from slice 10 to 20 by the protocol, with both ends marked."""
    for z in (10, 15, 20, 12, 14, 16, 18):
        sitting.draw(z, np.maximum(sitting.annotation.labels[z], square(x, label)))
    for z in (10, 20):
        sitting.mark_end(z, label)


# ---- actions


def test_a_box_drawn_on_every_other_slice_becomes_a_box(sitting: Sitting) -> None:
    """11 slices of 6 x 6 voxels of 0.05 mm3: 19.8 mm3."""
    whole_tumor(sitting)
    assert sitting.shown().tumors[0].volume_mm3 == pytest.approx(7 * 36 * 0.05)
    assert sitting.shown().tumors[0].sentence == "4 slices to interpolate"
    sitting.interpolate()
    assert (sitting.annotation.labels == box(SHAPE, (10, 21), (4, 10), (6, 12))).all()
    (tumor,) = sitting.shown().tumors
    assert tumor.volume_mm3 == pytest.approx(19.8)
    assert (tumor.n_drawn, tumor.sentence) == (7, "")


def test_interpolation_and_tissue_rule_are_those_of_numerics(sitting: Sitting) -> None:
    """The annotator's actions are the published functions, no others."""
    sitting.draw(5, square((2, 16)))
    sitting.draw(9, square((8, 11), y=(2, 5)))
    before = sitting.annotation.labels
    sitting.interpolate()
    filled = interpolate_slices(before, [5, 9], spacing_mm=SPACING_MM[1:])
    assert (sitting.annotation.labels == filled).all()
    sitting.apply_tissue_rule()
    assert sitting.scan is not None
    leaving = voxels_leaving(filled, sitting.scan.ct.voxels, air_hu=-300, bone_hu=500)
    assert leaving.any()
    assert (sitting.annotation.labels == np.where(leaving, 0, filled)).all()
    assert (sitting.annotation.removed == np.where(leaving, filled, 0)).all()


def test_what_is_put_back_stays(sitting: Sitting) -> None:
    """Put back on one slice, or by painting it, a voxel survives the rule and another interpolation."""
    whole_tumor(sitting, x=(2, 12))
    sitting.interpolate()
    change = sitting.apply_tissue_rule()
    assert change is not None
    assert change.voxels == sitting.shown().removed == 11 * 6 * 2
    sitting.put_back_slice(13)
    sitting.draw(15, square((2, 12)))
    assert sitting.shown().removed == 9 * 6 * 2
    sitting.interpolate()
    sitting.apply_tissue_rule()
    assert sitting.shown().removed == 9 * 6 * 2
    assert (sitting.annotation.labels[[13, 15]] == square((2, 12))).all()
    sitting.put_back_all()
    assert sitting.shown().removed == 0
    assert sitting.obstacles() == []


def test_a_slice_that_is_erased_is_empty(sitting: Sitting) -> None:
    """What the tissue rule took there goes, too: nothing comes back on a slice that somebody emptied."""
    whole_tumor(sitting, x=(2, 12))
    sitting.interpolate()
    sitting.apply_tissue_rule()
    sitting.draw(20, square((0, 0)))
    assert not sitting.annotation.drawn_plane(20).any()
    assert 20 in sitting.annotation.slices_without(1)
    sitting.interpolate()
    assert not sitting.annotation.labels[19:].any()


def test_a_new_step_forgets_what_was_undone(sitting: Sitting) -> None:
    """There is nothing to do again after it."""
    sitting.draw(10, square((6, 12)))
    sitting.undo()
    assert sitting.shown().redo == "stroke on slice 10"
    sitting.draw(12, square((6, 12)))
    assert (sitting.shown().redo, sitting.redo()) == ("", None)


def test_tumors_that_touch_keep_their_voxels(sitting: Sitting) -> None:
    """Two boxes side by side, interpolated together: neither takes a voxel of the other."""
    whole_tumor(sitting, x=(5, 9))
    whole_tumor(sitting, x=(9, 13), label=2)
    sitting.interpolate()
    assert (sitting.annotation.labels[10:21, 4:10, 5:9] == 1).all()
    assert (sitting.annotation.labels[10:21, 4:10, 9:13] == 2).all()


def test_a_slice_that_is_corrected_counts_for_the_tumors_that_changed(sitting: Sitting) -> None:
    """On a slice with both, only tumor 2 is drawn: tumor 1 stays interpolated there."""
    whole_tumor(sitting, x=(5, 9))
    whole_tumor(sitting, x=(9, 13), label=2)
    sitting.interpolate()
    plane = sitting.annotation.labels[13].copy()
    plane[4:6, 9:13] = 0
    sitting.draw(13, plane)
    assert sitting.annotation.labels_drawn_on(13) == [2]
    assert set(np.unique(sitting.annotation.drawn_plane(13))) == {0, 2}


def test_a_tumor_ends_where_somebody_says_so(sitting: Sitting) -> None:
    """The slices beyond are known to be empty; in the middle of a tumor there is no end."""
    whole_tumor(sitting)
    assert sitting.annotation.slices_without(1) == [9, 21]
    with pytest.raises(InputError, match="on both sides of slice 15"):
        sitting.mark_end(15, 1)
    sitting.forget_slice(20, 1)
    assert not sitting.annotation.labels[20].any()
    with pytest.raises(InputError, match="not drawn on slice 33"):
        sitting.forget_slice(33, 1)
    sitting.mark_end(19, 1)  # not drawn there: it is not there
    assert sitting.annotation.slices_without(1) == [9, 19, 21]


def test_the_next_slice_is_a_step_further_until_the_end_is_known(sitting: Sitting) -> None:
    """From 10 to 15, 20, ...; 25 is empty, so the end lies between; a short tumor then needs more slices."""
    sitting.draw(10, square((6, 12)))
    assert sitting.next_slice(10, 1) == 15
    sitting.draw(15, square((6, 12)))
    assert sitting.next_slice(15, 1) == 20
    assert "still to draw" not in sitting.shown().tumors[0].sentence
    sitting.mark_end(20, 1)
    assert sitting.next_slice(15, 1) == 16
    sitting.draw(16, square((6, 12)))
    sitting.mark_end(16, 1)
    sitting.mark_end(10, 1)
    assert sitting.shown().tumors[0].sentence == "4 slices still to draw: 11, 12, 13, 14"
    assert sitting.previous_slice(13, 1) == 12


def test_the_ghost_is_the_outline_of_the_drawn_slices_beside(sitting: Sitting) -> None:
    """Of 6 x 6 voxels 20 are on the edge; a slice that was interpolated has no ghost."""
    sitting.draw(10, square((6, 12)))
    sitting.draw(14, square((6, 12), y=(10, 16)))
    ghost = sitting.ghost(12, 1)
    assert [int((ghost == number).sum()) for number in (1, 2)] == [20, 20]
    assert not (sitting.ghost(10, 1) == 1).any()
    sitting.interpolate()
    assert not sitting.ghost(12, 1).any()


ACTIONS: dict[str, Callable[[Sitting], Any]] = {
    "stroke": lambda sitting: sitting.draw(13, square((2, 8), 2)),
    "end": lambda sitting: sitting.mark_end(30, 1),
    "forgotten": lambda sitting: sitting.forget_slice(15, 1),
    "interpolation": lambda sitting: sitting.interpolate(),
    "rule": lambda sitting: sitting.apply_tissue_rule(),
    "put back": lambda sitting: sitting.put_back_all(),
    "put back here": lambda sitting: sitting.put_back_slice(15),
}


def state_of(sitting: Sitting) -> tuple[object, ...]:
    """Return all that an undo must bring back."""
    now = sitting.annotation
    return now.labels.tobytes(), now.removed.tobytes(), dict(now.drawn), now.kept.tolist(), now.is_ruled


@settings(max_examples=10)
@example(names=["interpolation", "rule", "put back here", "stroke", "rule", "put back", "forgotten"])
@given(names=st.lists(st.sampled_from(sorted(ACTIONS)), max_size=6))
def test_any_steps_are_taken_back_one_by_one(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every action is one step: undo leads through the same states backwards, redo forwards, and all is saved."""
    path = write_nifti(tmp_path_factory.mktemp("one") / "mouse.nii.gz", ct_of(0), spacing_mm=SPACING_MM)
    sitting = open_file(path)
    sitting.open_next()
    whole_tumor(sitting, x=(2, 16))
    states = [state_of(sitting)]
    for name in names:
        try:
            change = ACTIONS[name](sitting)
        except InputError:
            continue
        states += [state_of(sitting)] * (change is not None)
    back = list(reversed(states))
    assert [state_of(sitting), *(sitting.undo() and state_of(sitting) for _ in states[1:])] == back
    assert [state_of(sitting), *(sitting.redo() and state_of(sitting) for _ in states[1:])] == states
    labels, drawn = sitting.annotation.labels, dict(sitting.annotation.drawn)
    sitting.close()
    again = open_file(path)
    again.open_next()
    assert (again.annotation.labels == labels).all()
    assert again.annotation.drawn == drawn
    again.close()


# ---- saving


def test_a_process_that_is_killed_loses_nothing_that_was_drawn(sitting: Sitting, root: Path, tmp_path: Path) -> None:
    """The files as they are in the middle of a sitting, opened elsewhere, hold every step up to the last stroke."""
    whole_tumor(sitting, x=(2, 12))
    sitting.interpolate()
    sitting.apply_tissue_rule()
    sitting.put_back_slice(13)
    sitting.draw(17, square((5, 8)))
    shutil.copytree(root, tmp_path / "copy")
    assert sitting.scan is not None
    with_copy = open_campaign(read_study(tmp_path / "copy"), "A")
    with_copy.open(sitting.scan.code)
    assert state_of(with_copy) == state_of(sitting)
    with_copy.close()


def test_on_a_full_disk_the_stroke_stays_and_is_saved_later(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence says so; the next step that can be saved brings the others along."""

    def full(*given: object, **options: object) -> None:
        raise OutputError("cannot save to annotator_A.sqlite: database or disk is full; free space")

    assert sitting.scan is not None
    code, store = sitting.scan.code, sitting._store
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_slice", full)
        sitting.draw(10, square((6, 12)))
        sitting.is_at_work()
        assert "disk is full" in sitting.shown().trouble
        assert sitting.annotation.labels[10].any()
        assert store.drawn_slices(code) == {}
        with pytest.raises(OutputError, match="disk is full"):
            sitting.put_aside()
        assert sitting.scan is not None
    sitting.draw(15, square((6, 12)))
    assert sitting.shown().trouble == ""
    assert list(store.drawn_slices(code)) == [10, 15]


def test_a_second_window_is_refused_in_one_sentence(sitting: Sitting, root: Path) -> None:
    """The first one goes on."""
    with pytest.raises(OutputError, match="is open in another window") as raised:
        open_campaign(read_study(root), "A")
    assert "\n" not in str(raised.value)
    assert sitting.draw(10, square((6, 12))) is not None


# ---- handing in


def test_a_scan_is_handed_in_when_nothing_is_missing(sitting: Sitting) -> None:
    """Each refusal says what is to be done; then the labels lie in the store, and the next scan comes."""
    assert sitting.scan is not None
    first = sitting.scan.code
    for x, asked in (((2, 12), "slice 10 is not yet marked as the first"), ((0, 0), "not interpolated")):
        if x == (0, 0):
            whole_tumor(sitting, x=(2, 12))
        else:
            sitting.draw(10, square(x))
        with pytest.raises(InputError, match=asked):
            sitting.submit()
    sitting.interpolate()
    with pytest.raises(InputError, match="132 voxels of air or bone are in the tumors: apply the tissue rule"):
        sitting.submit()
    sitting.apply_tissue_rule()
    assert sitting._store.state(first) == "review"
    labels = sitting.annotation.labels
    assert sitting.submit() == "handed in"
    assert np.array_equal(sitting._store.labels(first), labels)  # type: ignore[arg-type]
    opened = sitting.open_next()
    assert opened is not None
    assert opened.code != first
    assert (sitting.shown().finished, sitting.shown().total) == (1, 3)
    assert not sitting.annotation.labels.any()


def test_drawing_on_one_slice_only_is_not_enough(sitting: Sitting) -> None:
    """There is nothing to interpolate, and both ends are open; a tumor that is one slice thick has both marked."""
    sitting.draw(10, square((6, 12)))
    with pytest.raises(InputError, match="no tumor was drawn on two slices"):
        sitting.interpolate()
    with pytest.raises(InputError, match="not yet marked as the first"):
        sitting.submit()
    sitting.mark_end(10, 1)
    assert sitting.submit() == "handed in"


def test_a_label_that_lost_its_voxels_is_refused(sitting: Sitting) -> None:
    """Tumor 2 was drawn in the air: the tissue rule took all of it."""
    whole_tumor(sitting)
    sitting.draw(30, square((0, 3), 2))
    sitting.mark_end(30, 2)
    sitting.interpolate()
    sitting.apply_tissue_rule()
    with pytest.raises(InputError, match=r"label 2 .* has no voxel left"):
        sitting.submit()
    assert sitting.scan is not None


def test_a_scan_without_a_tumor_is_handed_in(sitting: Sitting) -> None:
    """Nothing drawn, nothing missing; a stroke that was erased again is no tumor."""
    sitting.draw(10, square((6, 12)))
    sitting.draw(10, square((0, 0)))
    assert sitting.submit() == "handed in"


def test_scans_are_skipped_and_looked_at_again(sitting: Sitting) -> None:
    """One is put aside, one is left out, one is for a second look: these two come again at the end."""
    assert sitting.scan is not None
    aside = sitting.scan.code
    sitting.put_aside()
    second = sitting.open_next()
    with pytest.raises(InputError, match="reason"):
        sitting.skip(" ")
    sitting.skip("moved")
    third = sitting.open_next()
    assert second is not None
    assert third is not None
    sitting.second_look("the lower end")
    for code in (third.code, aside):
        again = sitting.open_next()
        assert again is not None
        assert again.code == code
        sitting.put_aside()
    for _ in range(2):
        sitting.open_next()
        sitting.skip("no better")
    assert sitting.open_next() is None
    with pytest.raises(UsageError, match="no scan is open"):
        sitting.interpolate()
    assert (sitting.shown().code, sitting.shown().finished) == ("", 3)


def test_a_ct_that_changed_is_passed_over(root: Path) -> None:
    """The next scan comes, and a sentence says why; if none is left, it is an error."""
    study = read_study(root)
    paths = [path_from_study(study, one.scan.ct) for one in read_plan(study).order_of("A")]
    write_nifti(paths[0], ct_of(9), spacing_mm=SPACING_MM)
    sitting = open_campaign(study, "A")
    opened = sitting.open_next()
    assert opened is not None
    assert opened.code == sitting._store.codes[1]
    assert "is not the one that was handed out" in sitting.notice
    sitting.close()
    for path in paths[1:]:
        path.write_bytes(b"")
    broken = open_campaign(study, "A")
    with pytest.raises(FileError, match="is not the one that was handed out"):
        broken.open_next()
    broken.close()


# ---- correcting a mask


def with_masks(root: Path, name: str, label: int = 1) -> None:
    """Write a mask of every scan beside its CT."""
    for folder in (root / "Dataset 2").glob("*/*"):
        mask = box(SHAPE, (8, 24), (4, 10), (6, 12), label=label)
        write_nifti(folder / f"{name}_{folder.name}.nii.gz", mask, spacing_mm=SPACING_MM)


def test_correcting_starts_from_a_mask_and_the_record_says_so(root: Path) -> None:
    """No slice is asked for; a corrected one counts; interpolation leaves alone what lies in wide gaps."""
    with_masks(root, "STAPLE")
    sitting = open_campaign(read_study(root), "A", start_from="staple")
    scan = sitting.open_next()
    assert scan is not None
    assert (scan.started_from, sitting.shown().started_from) == ("staple", "staple")
    assert sitting._store.scans()[scan.code].started_from == "staple"
    (tumor,) = sitting.shown().tumors
    assert tumor.volume_mm3 == pytest.approx(16 * 36 * 0.05)
    assert tumor.sentence == ""
    for z in (10, 14, 22):
        sitting.draw(z, square((6, 10)))
    sitting.interpolate()
    assert (sitting.annotation.labels[10:15] == square((6, 10))).all()
    assert (sitting.annotation.labels[15:22] == square((6, 12))).all()
    assert sitting.submit() == "handed in"
    sitting.close()


def test_a_scan_that_was_drawn_in_does_not_start_again(root: Path) -> None:
    """What somebody drew is never replaced; specks of a consensus (255) are no tumor."""
    with_masks(root, "STAPLE", label=255)
    drawn = open_campaign(read_study(root), "A")
    scan = drawn.open_next()
    assert scan is not None
    drawn.draw(3, square((6, 12)))
    drawn.close()
    again = open_campaign(read_study(root), "A", start_from="staple")
    assert again.open(scan.code).started_from is None
    assert again.annotation.slices_with(1) == [3]
    again.put_aside()
    other = again.open_next()
    assert other is not None
    assert other.started_from == "staple"
    assert not again.annotation.labels.any()
    again.close()


def test_a_source_that_is_not_there_is_said(root: Path) -> None:
    """For all scans an error, with what there could be; for one scan a notice, and it is drawn from nothing."""
    with pytest.raises(UsageError, match="no scan of the campaign has a mask of 'unet'"):
        open_campaign(read_study(root), "A", start_from="unet")
    with_masks(root, "STAPLE")
    for path in sorted(root.rglob("STAPLE_*"))[1:]:
        path.write_bytes(b"damaged")
    sitting = open_campaign(read_study(root), "A", start_from="staple")
    notices = []
    while (scan := sitting.open_next()) is not None:
        notices.append((scan.started_from, sitting.notice))
        sitting.skip("tried")
    assert sorted(bool(source) for source, _ in notices) == [False, False, True]
    assert all(source or "has no usable mask of 'staple'; it is drawn from nothing" in said for source, said in notices)
    sitting.close()


# ---- one file


def draw_all(sitting: Sitting) -> str:
    """Draw a tumor in one file, and hand it in."""
    sitting.open_next()
    whole_tumor(sitting)
    sitting.interpolate()
    sitting.apply_tissue_rule()
    return sitting.submit()


def test_one_file_is_annotated_without_a_campaign(tmp_path: Path) -> None:
    """The annotation lies beside it, on its grid; an older one of that name is kept, and that is said."""
    path = write_nifti(tmp_path / "mouse.nii.gz", ct_of(0), spacing_mm=SPACING_MM)
    target = tmp_path / "mouse_annotation.nii.gz"
    sitting = open_file(path)
    results = [sitting.result]
    assert draw_all(sitting) == f"written to {target}"
    assert [*results, sitting.result] == [None, target]
    written = read_volume(target)
    assert (written.voxels == box(SHAPE, (10, 21), (4, 10), (6, 12))).all()
    assert (written.affine == read_volume(path).affine).all()
    assert sitting.open_next() is None
    sitting.close()
    again = open_file(path)
    assert "is there already" in again.notice
    again.open("mouse.nii.gz")  # handed in, and opened again
    assert again.submit() == f"{target} holds this already"
    again.open("mouse.nii.gz")
    again.draw(15, square((6, 9)))
    said = again.submit()
    assert "the one before is kept as" in said
    assert (read_volume(Path(said.rpartition(" as ")[2])).voxels == written.voxels).all()
    assert (read_volume(target).voxels != written.voxels).sum() == 18
    again.close()


def test_the_name_of_an_annotation_is_that_of_the_study(tmp_path: Path) -> None:
    """Beside ``CT_M01_8d`` an annotator's file has the name that `agree` looks for; --into names another."""
    folder = write_scan(tmp_path / "study", "M01_8d", ct=ct_of(0), spacing_mm=SPACING_MM)
    path = folder / "CT_M01_8d.nii.gz"
    for options, name in (({"annotator": "B"}, folder / "Annotator_B_M01_8d.nii.gz"), ({"into": "x.nii"}, "x.nii")):
        chosen = {key: tmp_path / value if key == "into" else value for key, value in options.items()}
        sitting = sit_down(path, **chosen)  # type: ignore[arg-type]
        draw_all(sitting)
        sitting.close()
        assert (tmp_path / name).exists()
    (scan,) = read_study(tmp_path / "study").scans
    assert list(scan.annotations) == ["B"]
    assert not read_study(tmp_path / "study").findings


def test_one_file_starts_from_a_mask_that_fits(tmp_path: Path) -> None:
    """A mask of another size is refused before anything is drawn."""
    path = write_nifti(tmp_path / "mouse.nii.gz", ct_of(0), spacing_mm=SPACING_MM)
    mask = write_nifti(tmp_path / "guess.nii.gz", box(SHAPE, (8, 12), (4, 6), (6, 9)), spacing_mm=SPACING_MM)
    wrong = write_nifti(tmp_path / "wrong.nii.gz", np.zeros((3, 3, 3), np.uint8), spacing_mm=SPACING_MM)
    with pytest.raises(GeometryError, match=r"wrong\.nii\.gz"):
        open_file(path, start_from=wrong)
    sitting = sit_down(path, start_from=str(mask))
    scan = sitting.open_next()
    assert scan is not None
    assert scan.started_from == "guess.nii.gz"
    assert int(sitting.annotation.labels.sum()) == 4 * 2 * 3
    sitting.close()


def test_another_image_of_the_same_name_is_a_new_start(tmp_path: Path) -> None:
    """The strokes on the old one are kept, and it is said."""
    path = write_nifti(tmp_path / "mouse.nii.gz", ct_of(0), spacing_mm=SPACING_MM)
    old = open_file(path)
    old.open_next()
    old.draw(10, square((6, 12)))
    old.close()
    content = path.read_bytes()
    write_nifti(path, ct_of(5), spacing_mm=SPACING_MM)
    new = open_file(path)
    assert "is not the image that was drawn on before" in new.notice
    new.open_next()
    assert not new.annotation.labels.any()
    new.close()
    path.write_bytes(content)
    back = open_file(path)
    back.open_next()
    assert back.annotation.slices_with(1) == [10]
    back.close()


def test_options_that_do_not_belong_together_are_refused(root: Path) -> None:
    """--into is for one file; a study needs its campaign's annotator; a campaign may ask for what is not known."""
    with pytest.raises(UsageError, match="--into"):
        sit_down(root, annotator="A", into=root / "x.nii.gz")
    with pytest.raises(UsageError, match="no annotator ''; it has A"):
        sit_down(root)
    with pytest.raises(FileError, match=r"mouse\.nii"):
        sit_down(root / "mouse.nii")


def test_a_protocol_of_a_newer_campaign_is_refused(tmp_path: Path) -> None:
    """Nothing is drawn by rules that this version does not know; the store is free again."""
    write_scan(tmp_path, "M07_8d", ct=ct_of(0), spacing_mm=SPACING_MM)
    study = read_study(tmp_path)
    create_plan(study, ["A"], seed=1, repeat_share=0.0, protocol={"step": 5, "colour": "red"})
    with pytest.raises(FileError, match="asks for colour; update murinoma"):
        open_campaign(study, "A")
    open_store(study, "A").close()


# ---- blindness

REFUSALS: list[Callable[[Sitting], object]] = [
    lambda sitting: sitting.submit(),
    lambda sitting: sitting.interpolate(),
    lambda sitting: sitting.put_back_all(),
    lambda sitting: sitting.forget_slice(3, 1),
    lambda sitting: sitting.skip(""),
    lambda sitting: sitting.draw(400, np.zeros((2, 2))),
    lambda sitting: sitting.open("XXXXX"),
]


@pytest.mark.parametrize("refused", REFUSALS)
def test_no_refusal_names_a_scan(sitting: Sitting, refused: Callable[[Sitting], object]) -> None:
    """Neither the sentence nor what it came from."""
    sitting.draw(10, square((6, 12)))
    with pytest.raises(MurinomaError) as raised:
        refused(sitting)
    told = f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"
    assert [word for word in SECRETS if word in told] == []


def test_nothing_that_is_shown_names_a_scan(root: Path) -> None:
    """Values, notices about damaged files, the log: all of a sitting, printed."""
    with_masks(root, "STAPLE")
    for path in [*root.rglob("STAPLE_*")][:2]:
        path.write_bytes(b"damaged")
    next(root.rglob("CT_M08*")).write_bytes(b"damaged")
    sitting = open_campaign(read_study(root), "A", start_from="staple")
    told: list[object] = []
    while sitting.open_next() is not None:
        sitting.draw(10, square((6, 12)))
        told += [sitting.scan, sitting.shown(), sitting.notice, sitting.annotation.drawn, sitting.obstacles()]
        if sitting.shown().started_from:
            told.append(sitting.submit())
        else:
            sitting.skip("no mask")
    told += [sitting._store.events(), sitting.result]
    sitting.close()
    assert len(told) == 2 * 5 + 1 + 2
    assert [word for word in SECRETS if word in " ".join(f"{one} {one!r}" for one in told)] == []
