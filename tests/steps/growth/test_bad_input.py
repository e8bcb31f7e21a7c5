"""Bad input: each is one clear sentence, and one bad mouse never stops the others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from murinoma.errors import FileError, InputError, MurinomaError, StudyError, UsageError
from murinoma.settings import GrowthSettings, RunSettings
from murinoma.steps.growth import growth
from tests.steps.growth.cohorts import Row, exponential, run, sentences, table, trial, write_csv

HEAD = "dataset,mouse,time,volume_mm3"
GOOD = [row for place in range(5) for row in exponential(f"M{place:02d}", 100.0 + place, 0.05 + place / 100)]


def with_rows(folder: Path, rows: Sequence[Row], head: str = HEAD) -> Path:
    """Write five good mice and these rows."""
    return write_csv(folder / "volumes.csv", head, [*GOOD, *rows])


def mouse(volumes: Path, name: str) -> dict[Any, Any]:
    """Return the row of a mouse."""
    return next(row for row in table(volumes, "mice").to_dict("records") if row["mouse"] == name)


def test_one_time_point(tmp_path: Path) -> None:
    """The mouse has no rate, and says why; the five others have theirs."""
    volumes = with_rows(tmp_path, [("1", "M90", "0d", 100)])
    result = run(volumes)
    assert not mouse(volumes, "M90")["evaluable"]
    assert mouse(volumes, "M90")["reason"] == "one volume only"
    assert result.numbers["with_rate"] == 5
    assert "1 mouse has no growth rate (first Dataset 1 M90)" in sentences(result)


def test_no_baseline(tmp_path: Path) -> None:
    """A rate, but no change from baseline and no response."""
    volumes = with_rows(tmp_path, [("1", "M90", "4d", 100), ("1", "M90", "11d", 200)])
    result = run(volumes)
    row = mouse(volumes, "M90")
    assert row["evaluable"]
    assert row["mrecist"] == "not evaluable"
    assert "no baseline" in row["reason"]
    assert "1 mouse has no tumor volume on day 0" in sentences(result)


def test_a_volume_of_0_and_an_absent_one(tmp_path: Path) -> None:
    """0 is below the limit and is used as such; an empty cell is said and left out."""
    rows = [("1", "M90", "0d", 100), ("1", "M90", "4d", ""), ("1", "M90", "7d", 40), ("1", "M90", "11d", 0)]
    volumes = with_rows(tmp_path, rows)
    result = run(volumes)
    row = mouse(volumes, "M90")
    assert (row["n_scans"], row["evaluable"]) == (3, True)
    assert row["rate_per_day"] < 0
    assert "1 below the limit" in row["rate_method"]
    assert "Dataset 1 M90: line" in sentences(result)
    assert "no usable volume" in sentences(result)
    assert len(result.failed) == 1


def test_a_mouse_in_two_arms(tmp_path: Path) -> None:
    """It counts in none; its arms are named; the others are compared."""
    volumes = trial(tmp_path, {"control": [0.1, 0.11, 0.12], "drug": [0.05, 0.06, 0.07]})
    with (tmp_path / "mice.csv").open("a", encoding="utf-8") as stream:
        stream.write("1,M01,drug\n")
    result = run(volumes)
    assert "control and drug; keep one row; it counts in no arm" in sentences(result)
    (row,) = table(volumes, "arms").to_dict("records")
    assert (row["n_control"], row["n_arm"]) == (2, 3)


def test_arms_of_one(tmp_path: Path) -> None:
    """No interval and no test, and that is said; the numbers are there."""
    volumes = trial(tmp_path, {"control": [0.1, 0.11, 0.12], "drug": [0.05]})
    result = run(volumes)
    assert "arm drug is one mouse: it has no interval and no test" in sentences(result)
    (row,) = table(volumes, "arms").to_dict("records")
    assert pd.isna(row["p"])
    assert "2 mice in each arm" in row["test_note"]
    assert row["rate_arm_per_day"] == pytest.approx(0.05)


def test_unequal_follow_up(tmp_path: Path) -> None:
    """The arms are compared on the last day that both have, and it is said."""
    volumes = trial(tmp_path, {"control": [0.1, 0.11, 0.12], "drug": [0.05, 0.06, 0.07]})
    rows = pd.read_csv(volumes)
    rows[~((rows["mouse"] < "M04") & rows["time"].isin(["11d", "14d"]))].to_csv(volumes, index=False)
    result = run(volumes)
    assert "followed for different times (control to day 7, drug to day 14)" in sentences(result)
    assert table(volumes, "arms")["day"].tolist() == [7]


def test_a_tumor_that_appears_and_one_that_vanishes(tmp_path: Path) -> None:
    """Nobody knows which tumor is which: the burden is used, and the mouse is doubtful."""
    rows = [("1", "M90", "0d", 1, 50), ("1", "M90", "4d", 1, 60), ("1", "M90", "4d", 2, 30), ("1", "M91", "0d", 1, 50)]
    rows += [("1", "M91", "0d", 2, 50), ("1", "M91", "4d", 1, 60)]
    volumes = write_csv(tmp_path / "volumes.csv", "dataset,mouse,time,tumor,volume_mm3", rows)
    result = run(volumes)
    assert "Dataset 1 M90: tumor 2 is not there on all of its 2 days; its burden is used" in sentences(result)
    assert mouse(volumes, "M90")["last_mm3"] == 90
    assert table(volumes, "mice")["identity"].tolist() == ["doubtful", "doubtful"]


def test_a_column_of_mm3_that_holds_cm3(tmp_path: Path) -> None:
    """The whole file is refused with the remedy, and taken when the unit is said."""
    volumes = write_csv(tmp_path / "cm.csv", HEAD, [(*row[:3], float(str(row[3])) / 1000) for row in GOOD])
    with pytest.raises(FileError, match=r"are they in cm3\?; name the column so, or say its unit with --unit"):
        run(volumes)
    assert run(volumes, unit="cm3").numbers["with_rate"] == 5


def test_one_volume_in_another_unit(tmp_path: Path) -> None:
    """0.12 among volumes of 100 mm3: left out, said; the mouse goes on with its others."""
    rows = [("1", "M90", "0d", 100), ("1", "M90", "4d", 0.12), ("1", "M90", "7d", 140), ("1", "M90", "11d", 170)]
    volumes = with_rows(tmp_path, rows)
    result = run(volumes)
    assert "Dataset 1 M90: 4d: 0.12 mm3 fits the mouse's other volumes only after a factor of 1000" in sentences(result)
    assert mouse(volumes, "M90")["n_scans"] == 3


def test_two_volumes_at_one_time(tmp_path: Path) -> None:
    """24h is 1d: nobody knows which one counts, so neither does; the mouse goes on with its others."""
    volumes = with_rows(tmp_path, [("1", "M90", time, 100) for time in ("0d", "24h", "1d", "4d")])
    result = run(volumes)
    assert "Dataset 1 M90: 24h: " in sentences(result)
    assert mouse(volumes, "M90")["n_scans"] == 2


def test_a_volume_that_no_mouse_can_carry(tmp_path: Path) -> None:
    """25 cm3 are left out."""
    result = run(with_rows(tmp_path, [("1", "M90", "0d", 25_000), ("1", "M90", "4d", 100)]))
    assert "is more than a mouse can carry" in sentences(result)


def test_unknown_and_missing_mice(tmp_path: Path) -> None:
    """A mouse of mice.csv without volumes, and a measured one without an arm: both are said, neither is compared."""
    volumes = trial(tmp_path, {"control": [0.1, 0.11, 0.12], "drug": [0.05, 0.06, 0.07]})
    text = (tmp_path / "mice.csv").read_text(encoding="utf-8")
    (tmp_path / "mice.csv").write_text(text.replace("1,M06,drug", "1,M99,drug"), encoding="utf-8")
    result = run(volumes)
    assert "1 mouse has an arm and no volume (first Dataset 1 M99)" in sentences(result)
    assert "Dataset 1: 1 mouse has no arm, and no arm counts them (first M06)" in sentences(result)
    (row,) = table(volumes, "arms").to_dict("records")
    assert (row["n_control"], row["n_arm"]) == (3, 2)
    assert "no arm in mice.csv" in mouse(volumes, "M06")["reason"]
    flow = table(volumes, "flow")
    assert flow.loc[flow["stage"] == "assigned", "reason"].dropna().tolist() == ["without a volume: M99"]


def test_no_control_and_an_unknown_one(tmp_path: Path) -> None:
    """Without a control nothing is compared; a control that is no arm is refused."""
    volumes = trial(tmp_path, {"drug A": [0.1, 0.11], "drug B": [0.05, 0.06]})
    result = run(volumes)
    assert "no arm is the control of drug A, drug B; name it with --control" in sentences(result)
    assert table(volumes, "arms").empty
    assert len(table(volumes, "rates")) == 2
    with pytest.raises(UsageError, match="no arm is called 'saline'; the arms are drug A, drug B"):
        run(volumes, control="saline")


def test_a_mouse_that_was_measured_after_its_death(tmp_path: Path) -> None:
    """One of the two tables is wrong."""
    volumes = with_rows(tmp_path, [])
    write_csv(tmp_path / "events.csv", "dataset,mouse,day,event", [("1", "M01", 5, "death")])
    assert "Dataset 1 M01: was measured on day 14 and died on day 5" in sentences(run(volumes))


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda path: growth(), UsageError, "name a study, or a file of volumes"),
        (lambda path: run(path, unseal=True), StudyError, "run 'murinoma assign' first"),
        (lambda path: run(write_csv(path, HEAD, [("1", "M01", "0d", "x")])), InputError, "holds no usable volume"),
        (lambda path: run(write_csv(path, HEAD, [])), InputError, "holds no usable volume"),
    ],
)
def test_what_leaves_nothing_to_work_on(
    call: Callable[[Path], object], error: type[MurinomaError], sentence: str, tmp_path: Path
) -> None:
    """One sentence, and nothing is written."""
    volumes = with_rows(tmp_path, [])
    with pytest.raises(error, match=sentence):
        call(volumes)
    assert not (tmp_path / "growth").exists()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It says how many scans and mice there are."""
    volumes = with_rows(tmp_path, [])
    out = tmp_path / "growth"
    result = growth(volumes=volumes, out=out, settings=GrowthSettings(), how=RunSettings(dry_run=True))
    assert (result.result, result.scans, result.numbers["mice"]) == (None, 25, 5)
    assert not out.exists()


def test_exclusions_beside_the_file(tmp_path: Path) -> None:
    """exclude.csv leaves out a scan here too, and the flow of mice names the reason."""
    volumes = with_rows(tmp_path, [])
    write_csv(tmp_path / "exclude.csv", "dataset,mouse,time,tumor,reason", [("1", "M01", "4d", "", "moved")])
    assert run(volumes).scans == len(GOOD) - 1
    assert "M01 4d: moved" in table(volumes, "flow")["reason"].tolist()


def test_several_sources_in_one_file(tmp_path: Path) -> None:
    """One must be chosen; then it alone counts."""
    rows = [(*row, source) for row in GOOD for source in ("calipers", "CT")]
    volumes = write_csv(tmp_path / "volumes.csv", f"{HEAD},source", rows)
    with pytest.raises(FileError, match="has volumes of CT, calipers; choose one with --source"):
        run(volumes)
    assert run(volumes, source="CT").scans == len(GOOD)
