"""Growth of a study on disk: its sources compared, its own precision, doubts about tumors, left-out scans."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import StudyError
from murinoma.settings import GrowthSettings
from murinoma.steps.growth import growth, growth_cohort, growth_tables
from murinoma.study import Study, read_study
from tests.builders import three_masks, write_scan
from tests.steps.growth.cohorts import write_csv

MICE = 6
TIMES = {"0d": 0.0, "8d": 192.0}
HEAD = "dataset,mouse,time,hours,source,tumor,volume_mm3"


def study_of(root: Path) -> Study:
    """Write six mice with two scans; annotator A scatters more than the consensus; all double in about 8 days."""
    rows = []
    wide = np.linspace(-0.4, 0.4, MICE)
    for n in range(MICE):
        for time, hours in TIMES.items():
            write_scan(root, f"M{n:02d}_{time}", three_masks())
            late = hours / 192
            for source, spread in (("staple", 0.25), ("A", 1.0)):
                volume = 100 * np.exp(late * (np.log(2) + spread * wide[n]))
                whole = [("", volume), (1, 0.4 * volume), (2, 0.6 * volume)]
                rows += [("Dataset 1", f"M{n:02d}", time, hours, source, tumor, v) for tumor, v in whole]
    write_csv(root / "derivatives" / "volumes.csv", HEAD, rows)
    return read_study(root)


def tables_of(study: Study, **settings: object) -> dict[str, pd.DataFrame]:
    """Return the tables of growth, without writing them."""
    return growth_tables(growth_cohort(study, None, GrowthSettings(**settings)))  # type: ignore[arg-type]


def test_the_chosen_source_counts(tmp_path: Path) -> None:
    """The consensus unless another is named; the burden is the row of the whole, tumors have their own."""
    study = study_of(tmp_path)
    tables = tables_of(study)
    assert tables["mice"]["rate_per_day"].iloc[0] == pytest.approx((np.log(2) - 0.1) / 8)
    assert tables["mice"]["baseline_mm3"].tolist() == [100.0] * MICE
    assert len(tables["tumors"]) == 2 * MICE
    assert set(tables["mice"]["identity"]) == {"as numbered"}
    other = tables_of(study, source="A")
    assert other["mice"]["rate_per_day"].iloc[0] == pytest.approx((np.log(2) - 0.4) / 8)
    with pytest.raises(StudyError, match="no volumes of 'B'; it has A, staple"):
        tables_of(study, source="B")


def test_sources_are_compared_by_the_mice_that_they_need(tmp_path: Path) -> None:
    """A has four times the spread of the consensus, so it needs far more mice for the same difference."""
    study = study_of(tmp_path)
    result = growth(study)
    sources = pd.read_csv(tmp_path / "derivatives" / "growth" / "sources.csv")
    consensus, other = sources.to_dict("records")
    assert (consensus["source"], other["source"]) == ("staple", "A")
    assert other["sd_per_day"] == pytest.approx(4 * consensus["sd_per_day"])
    assert consensus["ratio"] == 1
    assert other["mice_per_arm"] > consensus["mice_per_arm"]
    assert result.result == tmp_path / "derivatives" / "growth" / "index.html"


def test_the_studys_own_precision_counts(tmp_path: Path) -> None:
    """repeatability.csv wins over the published figure, and the methods say so."""
    study = study_of(tmp_path)
    row = ("scans close in time, whole mouse", "staple", 7, 0.02)
    write_csv(tmp_path / "derivatives" / "repeatability" / "repeatability.csv", "kind,source,n_mice,sd_within", [row])
    cohort = growth_cohort(study, None, GrowthSettings())
    assert (cohort.precision.error.sd_within, cohort.precision.error.degrees) == (0.02, 6)
    assert "measured in this study: scans of 7 mice" in cohort.precision.origin
    rise = growth_tables(cohort)["changes"]["rise_limit_percent"].iloc[0]
    assert rise == pytest.approx(100 * np.expm1(1.96 * np.sqrt(2) * 0.02), rel=1e-4)


def test_a_model_that_doubts_a_tumor_makes_its_mouse_doubtful(tmp_path: Path) -> None:
    """Its identity.csv says which; the reason stands with the mouse, the others are sure."""
    study = study_of(tmp_path)
    table = pd.read_csv(tmp_path / "derivatives" / "volumes.csv")
    table[table["source"] == "A"].assign(source="flank").to_csv(tmp_path / "derivatives" / "volumes.csv", index=False)
    rows = [("Dataset 1", "M01", "8d", 192, 1, "tumors lie close together"), ("Dataset 1", "M02", "8d", 192, 1, "")]
    path = tmp_path / "derivatives" / "predictions" / "flank" / "identity.csv"
    write_csv(path, "dataset,mouse,time,hours,tumor,doubt", rows)
    mice = tables_of(study, source="flank")["mice"].set_index("mouse")
    assert mice.loc["M01", "identity"] == "doubtful"
    assert mice.loc["M01", "reason"] == "tumors lie close together"
    assert mice.loc["M02", "identity"] == "sure"


def test_people_say_which_tumor_is_which(tmp_path: Path) -> None:
    """tumors.csv turns 1 and 2 of one scan round: tumor 1 is then 40 mm3 on day 0 and what was 2 on day 8."""
    study_of(tmp_path)
    rows = [("1", "M00", "8d", 1, 2), ("1", "M00", "8d", 2, 1)]
    write_csv(tmp_path / "tumors.csv", "dataset,mouse,time,tumor,lesion", rows)
    tables = tables_of(read_study(tmp_path))
    tumors = tables["tumors"]
    first = tumors[(tumors["mouse"] == "M00") & (tumors["tumor"] == 1)].to_dict("records")[0]
    late = 100 * np.exp(np.log(2) - 0.1)
    assert (first["first_mm3"], first["last_mm3"]) == (40.0, pytest.approx(0.6 * late))
    assert set(tables["mice"]["identity"]) == {"sure"}


def test_a_planned_control_that_is_not_known_yet_stops_nothing(tmp_path: Path) -> None:
    """The plan says 'control', no arm is known: the tumors' growth is told, and the plan says 'no'."""
    study_of(tmp_path)
    (tmp_path / "plan.toml").write_text('control = "control"\n', encoding="utf-8")
    tables = tables_of(read_study(tmp_path))
    assert tables["mice"]["evaluable"].all()
    assert tables["plan"].set_index("item")["agrees"]["control"] == "no"


def test_scans_that_people_left_out_do_not_count(tmp_path: Path) -> None:
    """One mouse loses its rate; the flow names the reason."""
    study_of(tmp_path)
    write_csv(tmp_path / "exclude.csv", "dataset,mouse,time,tumor,reason", [("1", "M03", "8d", "", "moved")])
    tables = tables_of(read_study(tmp_path))
    assert tables["mice"]["evaluable"].sum() == MICE - 1
    left = tables["flow"].set_index("stage").loc["left out by people"]
    assert "M03 8d: moved" in left["reason"]


def test_a_study_without_volumes(tmp_path: Path) -> None:
    """One sentence with the remedy."""
    write_scan(tmp_path, "M01_0d", three_masks())
    with pytest.raises(StudyError, match="run 'murinoma agree' and 'murinoma merge' first"):
        growth(read_study(tmp_path))
