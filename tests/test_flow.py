"""The whole flow on a small phantom study."""

from pathlib import Path

import pytest

from murinoma import flow
from murinoma.settings import PhantomDataset, RunSettings, SimulateSettings
from murinoma.steps import StepResult
from murinoma.steps.simulate import simulate
from murinoma.study import read_study

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
    """Check, agree, merge, report in this order, four scans each, nothing failed."""
    assert [result.step for result in results] == ["check", "agree", "merge", "report"]
    assert [result.failed for result in results] == [()] * 4
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
    steps += ["report"]
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
