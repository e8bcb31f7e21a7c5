"""The step repeatability: pairs by hand, what is left out, and the published catalogue."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma import published
from murinoma.errors import StudyError
from murinoma.settings import RepeatabilitySettings
from murinoma.steps import StepResult
from murinoma.steps.repeatability import SCANS, TUMORS, measure_repeatability
from murinoma.study import TimePoint, read_study
from tests.builders import three_masks, write_scan

COLUMNS = ["dataset", "mouse", "time", "hours", "source", "tumor", "volume_mm3"]


def study_of(root: Path, rows: Sequence[tuple[str, str, float | None, float]], source: str = "staple") -> Path:
    """Write scans and a table of volumes: mouse, time, tumor, mm3; all of Dataset 1."""
    for mouse, time in {(row[0], row[1]) for row in rows}:
        write_scan(root, f"{mouse}_{time}", three_masks())
    table = pd.DataFrame(
        [["Dataset 1", mouse, time, TimePoint.parse(time).hours, source, *rest] for mouse, time, *rest in rows],
        columns=COLUMNS,
    )
    (root / "derivatives").mkdir(exist_ok=True)
    table.to_csv(root / "derivatives" / "volumes.csv", index=False)
    return root


def run(root: Path, source: str = "staple") -> StepResult:
    """Measure the repeatability of a source."""
    return measure_repeatability(read_study(root), settings=RepeatabilitySettings(source))


def written(root: Path, name: str) -> pd.DataFrame:
    """Return a table of the step."""
    return pd.read_csv(root / "derivatives" / "repeatability" / name)


def test_two_mice_by_hand(tmp_path: Path) -> None:
    """Log changes of ln 1.1 and ln 0.9 within 6 h; the scan of the next day is not compared."""
    rows = [("M01", "0h", None, 100.0), ("M01", "3h", None, 110.0), ("M01", "1d", None, 500.0)]
    study_of(tmp_path, [*rows, ("M02", "0h", None, 100.0), ("M02", "6h", None, 90.0)])
    result = run(tmp_path)
    changes = np.log([1.1, 0.9])
    assert result.numbers["pairs"] == 2
    assert result.numbers["sd_change"] == pytest.approx(np.std(changes, ddof=1))
    pairs = written(tmp_path, "pairs.csv")
    assert pairs[["mouse", "first", "second", "hours_apart"]].to_numpy().tolist() == [
        ["M01", "0h", "3h", 3.0],
        ["M02", "0h", "6h", 6.0],
    ]
    (row,) = written(tmp_path, "repeatability.csv").to_dict("records")
    assert (row["kind"], row["source"], row["n_changes"], row["n_mice"]) == (SCANS, "staple", 2, 2)
    assert row["mean_change"] == pytest.approx(changes.mean())
    assert np.isnan(row["sd_within_low"])  # two mice give no interval


def test_tumors_are_compared_where_both_scans_show_the_same(tmp_path: Path) -> None:
    """M01 has tumors 1 and 2 in both scans; M02 loses one, so only its burden is compared."""
    rows = [("M01", time, tumor, 50.0) for time in ("0h", "3h") for tumor in (None, 1, 2)]
    rows += [("M02", "0h", None, 50.0), ("M02", "0h", 1, 20.0), ("M02", "0h", 2, 30.0)]
    rows += [("M02", "3h", None, 50.0), ("M02", "3h", 1, 50.0)]
    run(study_of(tmp_path, rows))
    kinds = written(tmp_path, "pairs.csv").groupby("kind").size().to_dict()
    assert kinds == {SCANS: 2, TUMORS: 2}


def test_an_empty_mask_is_listed_and_said(tmp_path: Path) -> None:
    """A volume of 0 has no logarithm: the pair stands in the list, and the notice counts it."""
    rows = [("M01", "0h", None, 0.0), ("M01", "3h", None, 10.0)]
    rows += [("M02", "0h", None, 9.0), ("M02", "3h", None, 10.0)]
    result = run(study_of(tmp_path, rows))
    assert "1 pairs with an empty mask" in result.notices[0]
    assert len(written(tmp_path, "pairs.csv")) == 2
    assert written(tmp_path, "repeatability.csv")["n_changes"].tolist() == [1]


def test_what_cannot_be_compared_is_one_sentence(tmp_path: Path) -> None:
    """No volumes, another source, no close scans: each says what to do."""
    write_scan(tmp_path, "M01_0h", three_masks())
    with pytest.raises(StudyError, match="run 'murinoma agree'"):
        run(tmp_path)
    study_of(tmp_path, [("M01", "0h", None, 5.0), ("M01", "2d", None, 6.0)])
    with pytest.raises(StudyError, match="no volumes of 'A'; it has staple"):
        run(tmp_path, "A")
    with pytest.raises(StudyError, match="no two scans of a mouse up to 6 h apart"):
        run(tmp_path)


def test_the_published_database(skeleton: Path, tmp_path: Path) -> None:
    """The catalogue's STAPLE volumes on the real names: 39 pairs of 29 mice, SD of the log change 0.104."""
    out = tmp_path / "out"
    out.mkdir()
    table = published.catalogue()
    table["hours"] = [TimePoint.parse(time).hours for time in table["time"]]
    rows = table.assign(source="staple", tumor=None, volume_mm3=table["staple_volume_mm3"])
    rows[COLUMNS].to_csv(out / "volumes.csv", index=False)
    result = measure_repeatability(read_study(skeleton, out=out))
    assert (result.numbers["pairs"], result.numbers["mice"]) == (39, 29)
    assert result.numbers["sd_change"] == pytest.approx(0.104, abs=5e-4)
    assert result.numbers["rise_percent"] == pytest.approx(23, abs=0.6)
