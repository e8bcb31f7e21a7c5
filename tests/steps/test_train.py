"""Training on a study: what it writes, how it goes on, what it refuses."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import InputError, MurinomaError, StudyError, UsageError
from murinoma.models.export import read_weights
from murinoma.models.folder import network_path, read_card
from murinoma.models.runtime import load_segmenter
from murinoma.settings import NetworkSettings, PhantomDataset, RunSettings, SimulateSettings, TrainSettings
from murinoma.steps import train as step
from murinoma.steps.simulate import simulate
from murinoma.study import read_study
from tests.builders import box, three_masks, two_scan_study, write_nifti, write_scan

torch = pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("onnx", reason="the extra train is not installed")

MM = 0.5
TINY = TrainSettings(
    held_out=0.25,
    coarse=NetworkSettings(1.0, (2, 4), (16, 16, 16), 1, 3, 0.5),
    fine=NetworkSettings(MM, (2, 4), (16, 16, 16), 1, 4, 0.67),
    bf16=False,
    save_seconds=0.0,
    look_every=2,
)
MICE = SimulateSettings(
    spacing_mm=MM,
    datasets=(PhantomDataset(4, ("0d",), 1, median_mm3=600.0, log_sd=0.1, growth_per_day=0.0),),
)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study of four phantom mice; tests copy it."""
    root = tmp_path_factory.mktemp("phantoms") / "study"
    simulate(root, settings=MICE)
    return root


@pytest.fixture
def study(phantoms: Path, tmp_path: Path) -> Path:
    """Return a copy of the phantom study."""
    return Path(shutil.copytree(phantoms, tmp_path / "study"))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a model by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_model_its_split_and_its_history_are_written(study: Path) -> None:
    """Three mice teach, one is held out; the model can be loaded, names its heads and CTs, and predicts."""
    result = step.train(read_study(study), "tiny", settings=TINY)
    assert (result.result, result.scans, result.failed) == (study / "models" / "tiny", 4, ())
    card = read_card(study / "models" / "tiny")
    assert card.heads == ("A", "B", "C", "consensus")
    assert len(set(card.training_cts)) == 3
    assert "1 scan of 1 held-out mouse" in card.tried_on
    folder = study / "derivatives" / "training" / "tiny"
    split = pd.read_csv(folder / "split.csv")
    assert sorted(split.side) == ["held out", "training", "training", "training"]
    history = pd.read_csv(folder / "history.csv")
    assert history.groupby("network").step.max().to_dict() == {"coarse": 3, "fine": 4}
    assert np.isfinite(history.loss).all()
    assert not list(folder.glob("*.pt"))
    assert not list((study / "models").glob(".*"))
    segmenter = load_segmenter(study / "models" / "tiny")
    assert segmenter.heads == card.heads


def test_a_training_that_was_stopped_ends_in_the_same_bytes(study: Path) -> None:
    """Stopped in the fine network and run again: the model and the history are those of an undisturbed run."""
    step.train(read_study(study), "whole", settings=TINY)

    def stop(done: int, _total: int, what: str) -> None:
        if what.startswith("fine") and done >= 4 + 3 + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        step.train(read_study(study), "parts", settings=TINY, progress=stop)
    assert not (study / "models" / "parts").exists()
    calls: list[str] = []
    step.train(read_study(study), "parts", settings=TINY, progress=lambda done, total, what: calls.append(what))
    assert sum(what.startswith("fine") for what in calls) == 2
    whole, parts = (bytes_of(study / "models" / name) for name in ("whole", "parts"))
    assert {name: content for name, content in whole.items() if name.endswith(".onnx")} == {
        name: content for name, content in parts.items() if name.endswith(".onnx")
    }
    histories = [study / "derivatives" / "training" / name / "history.csv" for name in ("whole", "parts")]
    assert histories[0].read_bytes() == histories[1].read_bytes()


def test_progress_counts_scans_and_steps_once(study: Path) -> None:
    """From 1 to the number of scans and steps of both networks."""
    told: list[tuple[int, int]] = []
    step.train(read_study(study), "tiny", settings=TINY, progress=lambda done, total, what: told.append((done, total)))
    assert told == [(done, 4 + 3 + 4) for done in range(1, 12)]


def test_an_absent_annotator_and_an_unreadable_scan_do_not_stop_it(study: Path) -> None:
    """B drew one scan only; a CT is cut off: its scan is a failure with a sentence, the others teach."""
    scans = read_study(study).scans
    for scan in scans[1:]:
        scan.annotations["B"].unlink()
    broken = scans[3].ct
    assert broken is not None
    broken.write_bytes(broken.read_bytes()[:2000])
    result = step.train(read_study(study), "tiny", settings=replace(TINY, seed=2))
    assert [failure.scan for failure in result.failed] == [scans[3].title]
    assert result.scans == 3
    card = json.loads((study / "models" / "tiny" / "model.json").read_text())
    assert card["heads"][-1] == "consensus"


def test_minutes_end_it_early(study: Path) -> None:
    """With no time at all each network takes one step of 500, and there is a model all the same."""
    long = replace(TINY, minutes=1e-9, coarse=replace(TINY.coarse, steps=500), fine=replace(TINY.fine, steps=500))
    result = step.train(read_study(study), "tiny", settings=long)
    history = pd.read_csv(study / "derivatives" / "training" / "tiny" / "history.csv")
    assert history.groupby("network").step.max().to_dict() == {"coarse": 1, "fine": 1}
    assert result.result == study / "models" / "tiny"


def test_it_begins_with_the_weights_of_a_model(study: Path) -> None:
    """At a rate of nothing the kernels stay those of the model, every head its consensus; the card says where from."""
    step.train(read_study(study), "first", settings=TINY)
    wide = replace(TINY, seed=2, start="first", rate=0.0, fine=replace(TINY.fine, widths=(3, 5)))
    step.train(read_study(study), "second", settings=wide)
    cards = [read_card(study / "models" / name) for name in ("first", "second")]
    assert "it began with the weights of first" in cards[1].limits
    assert set(cards[0].training_cts) < set(cards[1].training_cts)
    for network in ("coarse", "fine"):
        first, second = (read_weights(network_path(study / "models" / name, network)) for name in ("first", "second"))
        assert first.keys() == second.keys()
        for name in (name for name in first if name.endswith("conv.weight")):
            np.testing.assert_array_equal(first[name], second[name])
        for weight in second["head.weight"].swapaxes(0, 1):
            np.testing.assert_array_equal(weight, first["head.weight"][:, -1])


def test_a_model_to_begin_with_that_is_not_there_is_refused(study: Path) -> None:
    """Before a scan is read."""
    with pytest.raises(UsageError, match="there is no model 'nobody'"):
        step.train(read_study(study), "tiny", settings=replace(TINY, start="nobody"))


def test_a_dry_run_says_what_would_be_split(study: Path) -> None:
    """Three and one scans, and nothing is written."""
    result = step.train(read_study(study), "tiny", settings=TINY, how=RunSettings(dry_run=True))
    assert dict(result.numbers) == {"training_scans": 3, "held_out_scans": 1}
    assert not (study / "models").exists()
    assert not (study / "derivatives" / "training").exists()


def test_a_model_is_replaced_only_by_force(study: Path) -> None:
    """The refusal names the folder; a forced training with another seed gives other weights."""
    step.train(read_study(study), "tiny", settings=TINY)
    before = bytes_of(study / "models" / "tiny")
    with pytest.raises(StudyError, match=r"there is a model 'tiny' already .*--force"):
        step.train(read_study(study), "tiny", settings=TINY)
    assert bytes_of(study / "models" / "tiny") == before
    step.train(read_study(study), "tiny", settings=replace(TINY, seed=5), how=RunSettings(force=True))
    assert bytes_of(study / "models" / "tiny")["fine.onnx"] != before["fine.onnx"]


def test_a_checkpoint_of_other_settings_is_refused(study: Path) -> None:
    """Stopped with one seed, called with another: the sentence says how to begin again."""

    def stop(done: int, _total: int, what: str) -> None:
        if what.startswith("coarse"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        step.train(read_study(study), "tiny", settings=TINY, progress=stop)
    with pytest.raises(InputError, match="begun with other scans, settings or another version; --force begins again"):
        step.train(read_study(study), "tiny", settings=replace(TINY, rate=0.5))


def test_a_loss_that_is_no_number_is_said(study: Path) -> None:
    """A rate beyond all sense."""
    with pytest.raises(InputError, match="the loss of the coarse network is no number any more at step"):
        step.train(read_study(study), "tiny", settings=replace(TINY, rate=float("inf")))
    assert not (study / "models").exists()


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [(("torch",), "training needs torch; "), (("torch", "onnx"), "training needs torch and onnx; ")],
)
def test_a_missing_extra_is_named_with_its_command(
    missing: tuple[str, ...], sentence: str, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, before anything is read."""
    monkeypatch.setattr("murinoma.steps.train.find_spec", lambda name: None if name in missing else find_spec(name))
    with pytest.raises(UsageError, match=rf"{sentence}install them: pip install 'murinoma\[train\]'"):
        step.train(read_study(study), "tiny", settings=TINY)


def no_annotation(root: Path) -> None:
    """Write a scan with a CT alone."""
    write_scan(root, ct=np.zeros((8, 8, 8), np.int16))


def no_ct(root: Path) -> None:
    """Write two scans with masks alone."""
    two_scan_study(root)


def one_mouse(root: Path) -> None:
    """Write two scans of one mouse."""
    for scan in ("M01_0d", "M01_8d"):
        write_scan(root, scan, three_masks(), np.zeros((8, 8, 8), np.int16))


def nothing_but_air(root: Path) -> None:
    """Write two mice whose CTs are empty."""
    for scan in ("M01_0d", "M02_0d"):
        write_scan(root, scan, {"A": box((30, 30, 30), (2, 9), (2, 9), (2, 9))}, np.full((30, 30, 30), -400, np.int16),
                   spacing_mm=(MM, MM, MM))  # fmt: skip


@pytest.mark.parametrize(
    ("build", "change", "kind", "sentence"),
    [
        (no_annotation, {}, StudyError, "no scan of .* has a CT and an annotation; annotate some mice first"),
        (no_ct, {}, StudyError, "no scan of .* has a CT and an annotation"),
        (one_mouse, {}, StudyError, "1 mouse cannot be split into training and held-out mice"),
        (one_mouse, {"split": "dataset", "held_out": "3"}, StudyError, "no scan belongs to '3'"),
        (one_mouse, {"split": "scan"}, UsageError, "no split is called 'scan'; --split takes mouse, acquisition or"),
        (one_mouse, {"held_out": "Dataset 1"}, UsageError, "--held-out 'Dataset 1' is no share of the mice"),
        (one_mouse, {"held_out": "1.5"}, UsageError, "--held-out '1.5' is no share of the mice"),
        (nothing_but_air, {}, StudyError, "none of the 0 scans to learn from shows a tumor; .*body"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(
    build: Callable[[Path], None], change: dict[str, Any], kind: type[MurinomaError], sentence: str, tmp_path: Path
) -> None:
    """One sentence that says what there is, and what to do; no model is left behind."""
    root = tmp_path / "study"
    build(root)
    with pytest.raises(kind, match=sentence):
        step.train(read_study(root), "tiny", settings=replace(TINY, **change))
    assert not (root / "models").exists()


def test_mice_without_any_tumor_teach_nothing(study: Path) -> None:
    """All masks are empty: the sentence says so."""
    for scan in read_study(study).scans:
        for path in scan.annotations.values():
            shape = read_shape(path)
            write_nifti(path, np.zeros(shape, np.uint8), spacing_mm=(MM, MM, MM))
    with pytest.raises(StudyError, match="none of the 3 scans to learn from shows a tumor"):
        step.train(read_study(study), "tiny", settings=TINY)


def read_shape(path: Path) -> tuple[int, ...]:
    """Return the shape (z, y, x) of a NIfTI file."""
    import nibabel as nib

    shape: tuple[int, ...] = nib.load(path).shape[::-1]  # type: ignore[attr-defined]
    return shape


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "CON:"])
def test_a_name_that_is_no_folder_is_refused(name: str, study: Path) -> None:
    """Nothing is written outside STUDY/models."""
    with pytest.raises(UsageError, match="cannot name a model"):
        step.train(read_study(study), name, settings=TINY)
