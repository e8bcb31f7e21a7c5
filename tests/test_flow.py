"""The whole flow on a small phantom study."""

from pathlib import Path

import numpy as np
import pytest

from murinoma import flow
from murinoma.files.nifti import read_volume
from murinoma.models.scan import Scan
from murinoma.models.segmenter import Patch, Prediction
from murinoma.settings import PhantomDataset, RunSettings, SimulateSettings
from murinoma.steps import StepResult
from murinoma.steps.simulate import scan_phantoms, simulate
from murinoma.steps.split import SplitJob, read_jobs
from murinoma.study import read_study
from tests.models.made_up_mice import HEADS, ReadingModel
from tests.models.small_models import write_tiny_model

DATASETS = (
    PhantomDataset(2, ("0d",), 1, median_mm3=400.0, log_sd=0.3, growth_per_day=0.05),
    PhantomDataset(2, ("0d",), 2, median_mm3=200.0, log_sd=0.3, growth_per_day=0.02),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[StepResult]:
    """Return the results of all steps of the flow."""
    root = tmp_path_factory.mktemp("flow") / "study"
    simulate(root, settings=SimulateSettings(spacing_mm=0.63, datasets=DATASETS))
    return list(flow.analyse(read_study(root), RunSettings(), lambda step: None))


def test_every_step_works_on_every_scan(results: list[StepResult]) -> None:
    """Check, agree, merge, growth, report in this order, four scans each, nothing failed."""
    assert [result.step for result in results] == ["check", "agree", "merge", "growth", "report"]
    assert [result.failed for result in results] == [()] * 5
    assert [result.scans for result in results[:3]] == [4] * 3


def test_the_flow_ends_in_a_page_that_needs_no_other_file(results: list[StepResult]) -> None:
    """The last result is one HTML file with the three tables of the paper and nothing loaded from elsewhere."""
    page = results[-1].result
    assert page is not None
    text = page.read_text(encoding="utf-8")
    for number in (1, 3, 4):
        assert f"Table {number}" in text
    assert not any(
        f'{attribute}="{scheme}' in text for attribute in ("src", "href") for scheme in ("http", "//", "file")
    )


def test_the_demo_begins_at_the_scanner(tmp_path: Path) -> None:
    """Scan, split, a campaign, and then the flow; the page is that of the study that was split."""
    small = SimulateSettings(spacing_mm=0.5, datasets=DATASETS[:1])
    results = list(flow.demo(tmp_path / "demo", RunSettings(), lambda step: None, small))
    steps = ["scan", "split", "campaign new", "annotate", "campaign reveal", "check", "agree", "merge", "repeatability"]
    steps += ["growth", "report"]
    assert [result.step for result in results] == steps
    assert [result.failed for result in results] == [()] * len(steps)
    assert results[-1].result == tmp_path / "demo" / "study" / "derivatives" / "report" / "index.html"


def test_a_second_demo_draws_nothing_again(tmp_path: Path) -> None:
    """The campaign is there, everything is handed in, and the masks stay as they are to the byte."""
    small = SimulateSettings(spacing_mm=0.63, datasets=DATASETS[:1])
    folder = tmp_path / "demo"
    list(flow.demo(folder, RunSettings(), lambda step: None, small))
    masks = {path: path.stat().st_mtime_ns for path in (folder / "study").rglob("Annotator_*.nii.gz")}
    again = [result.step for result in flow.demo(folder, RunSettings(), lambda step: None, small)]
    assert "campaign new" not in again
    assert len(masks) == 6
    assert {path: path.stat().st_mtime_ns for path in masks} == masks


class MiddleModel(ReadingModel):
    """A model that finds a ball of 3 mm in the middle of every mouse."""

    def find(self, scan: Scan) -> Prediction:
        """Return 0.9 in the ball."""
        middle = [(part.start + part.stop) / 2 * 0.84 for part in scan.box]
        steps = zip(np.indices(scan.image.shape), middle, scan.own.spacing_mm, strict=True)
        marked = sum(((index + 0.5) * step - at) ** 2 for index, at, step in steps) < 3**2
        shares, none = np.repeat(0.9 * marked[None], 3, axis=0).astype(np.float16), np.zeros(marked.shape, np.float16)
        patch = Patch(scan.own.whole, shares, none, marked.astype(np.float16))
        return Prediction(scan.own.shape, scan.own.spacing_mm, HEADS, (patch,), scan.anchor_hu)


def test_a_scanner_file_is_split_segmented_and_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call: a CT and a mask per mouse, and all masks in the acquisition's own grid; a second call does nothing."""
    pytest.importorskip("torch", reason="models need torch or openvino")
    pytest.importorskip("onnx", reason="a model is written with onnx")
    small = SimulateSettings(spacing_mm=0.5, datasets=DATASETS[:1])
    scan_phantoms(tmp_path / "scanner", settings=small)
    jobs, root = read_jobs(tmp_path / "scanner" / "split.csv"), tmp_path / "study"
    write_tiny_model(tmp_path / "tiny")
    model = MiddleModel()
    monkeypatch.setattr("murinoma.steps.segment.work.opened", lambda folder, card: model)

    def go() -> list[StepResult]:
        model_path = str(tmp_path / "tiny")
        return list(flow.split_and_segment(jobs, root, model_path, progress=lambda step: None, paste_masks=True))

    split, segmented, pasted = go()
    assert [result.failed for result in (split, segmented, pasted)] == [(), (), ()]
    assert (segmented.scans, segmented.numbers["tumors"]) == (2, 2)
    study = read_study(root)
    masks = [read_volume(study.prediction_path(scan, "tiny")) for scan in study.scans]
    assert pasted.result is not None
    whole = read_volume(pasted.result)
    assert np.count_nonzero(whole.voxels) == sum(np.count_nonzero(mask.voxels) for mask in masks) > 400
    found = [
        np.argwhere(mask.voxels)[:, ::-1].mean(axis=0) @ mask.affine[:3, :3].T + mask.affine[:3, 3] for mask in masks
    ]
    there = np.argwhere(whole.voxels)[:, ::-1] @ whole.affine[:3, :3].T + whole.affine[:3, 3]
    assert np.allclose(np.mean(found, axis=0), there.mean(axis=0), atol=0.3)
    seen = len(model.seen)
    assert [result.scans for result in go()[:2]] == [1, 2]
    assert len(model.seen) == seen


def test_nothing_is_segmented_where_nothing_could_be_split(tmp_path: Path) -> None:
    """The failure of split is the only result."""
    job = SplitJob(tmp_path / "none.img", "Dataset 1", "0d", ("M01",))
    results = list(flow.split_and_segment([job], tmp_path / "study", "no-model", progress=lambda step: None))
    assert [result.step for result in results] == ["split"]
    assert len(results[0].failed) == 1
