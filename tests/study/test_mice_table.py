"""What people write about mice: arms, events, plan; a bad row is said and the others count."""

from pathlib import Path

import pytest

from murinoma.errors import StudyError
from murinoma.study.mice_table import GrowthPlan, read_events, read_mice, read_plan


def written(folder: Path, name: str, *lines: str) -> Path:
    """Write a file of these lines and return its folder."""
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_two_mice_by_hand(tmp_path: Path) -> None:
    """Dataset names are written out; other columns are kept as they are; capitals of heads do not matter."""
    written(tmp_path, "mice.csv", "Dataset,Mouse,Arm,treatment,sex", "2,M01,control,vehicle,f", "2,M02,drug A,X-17,m")
    entries, findings = read_mice(tmp_path)
    assert [(entry.key, entry.arm) for entry in entries] == [
        (("Dataset 2", "M01"), "control"),
        (("Dataset 2", "M02"), "drug A"),
    ]
    assert entries[1].said == {"treatment": "X-17", "sex": "m"}
    assert findings == []


def test_no_files_are_no_mice(tmp_path: Path) -> None:
    """All three may be absent."""
    assert read_mice(tmp_path) == ([], [])
    assert read_events(tmp_path) == ([], [])
    assert read_plan(tmp_path) is None


def test_a_mouse_in_two_arms_is_in_none(tmp_path: Path) -> None:
    """It is said, with both arms; the same row twice is one mouse."""
    rows = ("1,M01,control", "1,M01,drug", "1,M02,drug", "1,M02,drug")
    entries, findings = read_mice(written(tmp_path, "mice.csv", "dataset,mouse,arm", *rows))
    assert [entry.key for entry in entries] == [("Dataset 1", "M02")]
    (finding,) = findings
    assert (finding.severity, finding.scan) == ("error", "Dataset 1 M01")
    assert "control and drug" in finding.message


def test_a_row_without_a_mouse_is_said(tmp_path: Path) -> None:
    """With its line; a short row is filled up, a blank one passed over."""
    entries, findings = read_mice(written(tmp_path, "mice.csv", "dataset,mouse,arm", "1,,control", "", "1,M02"))
    assert [(entry.mouse, entry.arm) for entry in entries] == [("M02", "")]
    assert "line 2" in findings[0].message
    assert "names no mouse" in findings[0].message


def test_events_by_hand(tmp_path: Path) -> None:
    """Time as a label or a day; a killed mouse is dead; a dose has a value and a unit."""
    rows = ("1,M01,15d,,killed,,,ulcer", "1,M02,,3.5,dose,10,mg/kg,")
    head = "dataset,mouse,time,day,event,value,unit,reason"
    (death, dose), findings = read_events(written(tmp_path, "events.csv", head, *rows))
    assert (death.event, death.day, death.reason) == ("death", 15.0, "ulcer")
    assert (dose.event, dose.day, dose.value, dose.unit) == ("dose", 3.5, 10.0, "mg/kg")
    assert findings == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("1,M01,15d,party", "'party' is no event; write death, dose, weight, note"),
        ("1,M01,soon,death", "'soon' is not a time point"),
        ("1,,15d,death", "it names no mouse"),
    ],
)
def test_an_event_that_cannot_be_understood(row: str, sentence: str, tmp_path: Path) -> None:
    """One finding; the next row counts."""
    events, findings = read_events(written(tmp_path, "events.csv", "dataset,mouse,time,event", row, "1,M02,1d,death"))
    assert [event.mouse for event in events] == ["M02"]
    assert sentence in findings[0].message


def test_a_plan_by_hand(tmp_path: Path) -> None:
    """What stands there is known, the rest is open."""
    lines = (
        'format = "murinoma.plan/1"',
        "day = 14",
        'control = "vehicle"',
        'exclusions = ["ulcer"]',
        "margin_tc = 0.42",
    )
    plan = read_plan(written(tmp_path, "plan.toml", *lines))
    assert plan == GrowthPlan(day=14.0, control="vehicle", exclusions=("ulcer",), margin_tc=0.42)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('day = "soon"', "day = 'soon' is not a number"),
        ("arms = 2", "arms = 2 is not a list of texts"),
        ("mice_per_arm = 7.5", "is not a whole number"),
        ("days = 14", "nothing is called days"),
        ("multiple = 1", "multiple = 1 is not above 1"),
        ("alpha = 5", "alpha = 5 is not between 0 and 0.5"),
        ('format = "murinoma.plan/2"', "this murinoma reads 'murinoma.plan/1'"),
        ("day = ", "plan.toml cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_understood(line: str, sentence: str, tmp_path: Path) -> None:
    """One sentence with the field and its value."""
    with pytest.raises(StudyError, match=sentence):
        read_plan(written(tmp_path, "plan.toml", line))


def test_a_table_without_its_columns_or_in_another_encoding(tmp_path: Path) -> None:
    """The whole file is refused: nobody knows who is in which arm."""
    with pytest.raises(StudyError, match="lacks the columns dataset, arm; it has mouse"):
        read_mice(written(tmp_path, "mice.csv", "mouse", "M01"))
    (tmp_path / "mice.csv").write_bytes("dataset,mouse,arm\n1,M01,Köntroll\n".encode("latin-1"))
    with pytest.raises(StudyError, match="in UTF-8"):
        read_mice(tmp_path)
