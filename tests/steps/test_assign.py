"""The step assign: balanced arms under sealed codes, what is left out, and opening the key in growth."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import InputError, MurinomaError, StudyError, UsageError
from murinoma.settings import AssignSettings, GrowthSettings, RunSettings
from murinoma.steps import StepResult
from murinoma.steps.assign import assign
from murinoma.steps.growth import growth_cohort, growth_tables
from murinoma.study import read_study
from tests.builders import two_scan_study
from tests.steps.growth.cohorts import exponential, write_csv

ARMS = ("control", "drug A")
HEAD = "dataset,mouse,time,volume_mm3"


def volumes_of(folder: Path, n_mice: int = 12) -> Path:
    """Write mice of 50, 60, ... mm3 on day 0, and on day 7."""
    rows = [row for n in range(n_mice) for row in exponential(f"M{n + 1:02d}", 50.0 + 10 * n, 0.05, (0, 7))]
    return write_csv(folder / "volumes_table.csv", HEAD, rows)


def run(volumes: Path, **settings: object) -> StepResult:
    """Assign the mice of a file."""
    return assign(volumes=volumes, settings=AssignSettings(**{"arms": ARMS, **settings}))  # type: ignore[arg-type]


def assigned(volumes: Path, name: str = "assignment.csv") -> pd.DataFrame:
    """Return a table of the assignment."""
    return pd.read_csv(volumes.parent / "assignment" / name)


def test_twelve_mice_in_two_arms(tmp_path: Path) -> None:
    """Six each, one of every pair of neighbours; the arms' mean volumes differ by less than a tenth."""
    volumes = volumes_of(tmp_path)
    result = run(volumes)
    table = assigned(volumes)
    assert result.result == tmp_path / "assignment" / "assignment.csv"
    assert table.columns.tolist() == ["dataset", "mouse", "arm", "baseline_mm3", "block"]
    assert sorted(table.groupby("arm").size()) == [6, 6]
    assert table.groupby("block")["arm"].nunique().eq(2).all()
    means = table.groupby("arm")["baseline_mm3"].apply(lambda sizes: np.exp(np.log(sizes).mean()))
    assert result.numbers["largest_to_smallest_mean"] == pytest.approx(means.max() / means.min())
    assert means.max() / means.min() < 1.1


def test_nothing_that_is_written_names_an_arm(tmp_path: Path) -> None:
    """Codes only; the key is packed, says what it is, and keeps the seed that would give it away."""
    volumes = volumes_of(tmp_path)
    result = run(volumes, seed=4)
    for path in (tmp_path / "assignment").iterdir():
        text = path.read_text(encoding="utf-8")
        assert "control" not in text
        assert "drug" not in text
    note = json.loads((tmp_path / "assignment" / "key.sealed.json").read_text(encoding="utf-8"))["note"]
    assert "no secret from someone who unpacks it on purpose" in note
    assert "the key is sealed" in result.notices[-1]


def test_the_same_seed_gives_the_same_assignment(tmp_path: Path) -> None:
    """And another seed another."""
    texts = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        volumes = volumes_of(tmp_path / name)
        run(volumes, seed=seed)
        texts.append((volumes.parent / "assignment" / "assignment.csv").read_bytes())
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_datasets_are_balanced_one_by_one(tmp_path: Path) -> None:
    """Six mice of either dataset: three in each arm."""
    rows = [(dataset, f"M{n}", "0d", 50 + n) for dataset in (1, 2) for n in range(6)]
    volumes = write_csv(tmp_path / "volumes_table.csv", HEAD, rows)
    run(volumes)
    assert assigned(volumes).groupby(["dataset", "arm"]).size().tolist() == [3, 3, 3, 3]


def test_mice_that_are_not_assigned_are_counted_with_the_reason(tmp_path: Path) -> None:
    """No scan on the day, too small, no tumor: assessed 15, assigned 12, three reasons."""
    rows = [row for n in range(12) for row in exponential(f"M{n + 1:02d}", 50.0 + 10 * n, 0.05, (0,))]
    rows += [("1", "M90", "3d", 100), ("1", "M91", "0d", 12), ("1", "M92", "0d", 0)]
    volumes = write_csv(tmp_path / "volumes_table.csv", HEAD, rows)
    result = run(volumes, least_mm3=20.0)
    assert (result.numbers["assessed"], result.numbers["assigned"]) == (15, 12)
    flow = assigned(volumes, "flow.csv")
    assert flow.loc[flow["stage"] == "assessed", "mice"].tolist() == [15]
    reasons = flow.loc[flow["stage"] == "not assigned", "reason"].tolist()
    assert reasons == [
        "M90: no volume on day 0",
        "M91: its 12 mm3 lie outside 20 to inf mm3",
        "M92: its 0 mm3 lie outside 20 to inf mm3",
    ]
    assert flow.loc[flow["stage"] == "assigned", "mice"].sum() == 12


def test_growth_shows_codes_until_it_is_unsealed(tmp_path: Path) -> None:
    """Sealed: arms are codes and nothing is compared; unsealed: names, a control, a test, and a record of when."""
    volumes = volumes_of(tmp_path)
    run(volumes)
    sealed = growth_cohort(None, volumes, GrowthSettings())
    tables = growth_tables(sealed)
    codes = set(assigned(volumes)["arm"])
    assert set(tables["mice"]["arm"]) == codes
    assert tables["arms"].empty
    assert tables["notices"]["sentence"].str.contains("the key is sealed until 'murinoma growth --unseal'").any()
    assert not (tmp_path / "assignment" / "unsealed.json").exists()

    opened = growth_tables(growth_cohort(None, volumes, GrowthSettings(unseal=True)))
    record = json.loads((tmp_path / "assignment" / "unsealed.json").read_text(encoding="utf-8"))
    assert set(record["key"]) == codes
    assert sorted(record["key"].values()) == sorted(ARMS)
    assert opened["arms"]["control"].tolist() == ["control"]
    key = record["key"]
    assert opened["mice"]["arm"].tolist() == [key[code] for code in tables["mice"]["arm"]]
    flow = opened["flow"]
    assert flow["stage"].tolist()[0] == "assessed"
    assert flow.loc[flow["stage"] == "assigned", "mice"].tolist() == [6, 6]

    later = growth_cohort(None, volumes, GrowthSettings())
    assert not later.people.sealed  # once open, it stays open
    before = (tmp_path / "assignment" / "unsealed.json").read_bytes()
    growth_cohort(None, volumes, GrowthSettings(unseal=True))
    assert (tmp_path / "assignment" / "unsealed.json").read_bytes() == before


def test_mice_csv_and_the_assignment_must_agree(tmp_path: Path) -> None:
    """A mouse that people put into another arm counts in none, once the key is open."""
    volumes = volumes_of(tmp_path)
    run(volumes)
    growth_cohort(None, volumes, GrowthSettings(unseal=True))
    key = json.loads((tmp_path / "assignment" / "unsealed.json").read_text(encoding="utf-8"))["key"]
    first = assigned(volumes).iloc[0]
    other = next(arm for arm in ARMS if arm != key[first["arm"]])
    write_csv(tmp_path / "mice.csv", "dataset,mouse,arm", [(first["dataset"], first["mouse"], other)])
    cohort = growth_cohort(None, volumes, GrowthSettings())
    assert cohort.arm((first["dataset"], first["mouse"])) == ""
    assert any("it counts in no arm until they agree" in said for _, said in cohort.people.notices)


def test_the_key_for_whoever_prepares_the_doses(tmp_path: Path) -> None:
    """Readable, where it was asked for, and the same as the sealed one."""
    volumes = volumes_of(tmp_path)
    key_file = tmp_path / "pharmacy" / "key.csv"
    assign(volumes=volumes, settings=AssignSettings(ARMS), key_file=key_file)
    key = pd.read_csv(key_file).set_index("code")["arm"].to_dict()
    growth_cohort(None, volumes, GrowthSettings(unseal=True))
    assert json.loads((tmp_path / "assignment" / "unsealed.json").read_text(encoding="utf-8"))["key"] == key


def test_a_study_with_its_own_volumes(tmp_path: Path) -> None:
    """The consensus of volumes.csv; the assignment lies beside the datasets, mice.csv is not touched."""
    root = two_scan_study(tmp_path / "study")
    rows = [("Dataset 1", "M01", "0d", 0, "staple", "", 100), ("Dataset 1", "M01", "8d", 192, "staple", "", 150)]
    write_csv(root / "derivatives" / "volumes.csv", "dataset,mouse,time,hours,source,tumor,volume_mm3", rows)
    with pytest.raises(InputError, match="1 mouse has a baseline volume on day 0 and there are 2 arms"):
        assign(read_study(root), settings=AssignSettings(ARMS))
    with pytest.raises(StudyError, match="no volumes of 'B'; there are staple"):
        assign(read_study(root), settings=AssignSettings(ARMS, source="B"))
    assert not (root / "assignment").exists()


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"arms": ("control",)}, UsageError, "two or more different arms"),
        ({"arms": ("a", "a")}, UsageError, "two or more different arms"),
        ({"least_mm3": 300.0, "most_mm3": 50.0}, UsageError, "no volume lies between"),
        ({"day": 3.0}, InputError, "0 mice have a baseline volume on day 3"),
    ],
)
def test_what_is_refused(
    settings: dict[str, object], error: type[MurinomaError], sentence: str, tmp_path: Path
) -> None:
    """One sentence, and nothing is written."""
    with pytest.raises(error, match=sentence):
        run(volumes_of(tmp_path), **settings)
    assert not (tmp_path / "assignment").exists()


def test_mice_are_assigned_once(tmp_path: Path) -> None:
    """A second assignment is refused, and the first one stays."""
    volumes = volumes_of(tmp_path)
    run(volumes)
    before = assigned(volumes)
    with pytest.raises(StudyError, match="mice are assigned once"):
        run(volumes, seed=2)
    assert assigned(volumes).equals(before)


def test_neither_a_study_nor_a_file_and_a_dry_run(tmp_path: Path) -> None:
    """One sentence; a dry run says how well the arms would balance, and writes nothing."""
    with pytest.raises(UsageError, match="name a study"):
        assign(settings=AssignSettings(ARMS))
    volumes = volumes_of(tmp_path)
    result = assign(volumes=volumes, settings=AssignSettings(ARMS), how=RunSettings(dry_run=True))
    assert result.result is None
    assert result.numbers["assigned"] == 12
    assert not (tmp_path / "assignment").exists()


def test_a_key_that_is_gone_or_was_changed(tmp_path: Path) -> None:
    """Without it the codes stay codes; a changed one is refused."""
    volumes = volumes_of(tmp_path)
    run(volumes)
    key = tmp_path / "assignment" / "key.sealed.json"
    stored = json.loads(key.read_text(encoding="utf-8"))
    key.write_text(json.dumps({**stored, "sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(MurinomaError, match="was changed after it was sealed"):
        growth_cohort(None, volumes, GrowthSettings(unseal=True))
    key.unlink()
    with pytest.raises(StudyError, match="is gone, so the codes cannot be turned into arms"):
        growth_cohort(None, volumes, GrowthSettings(unseal=True))
