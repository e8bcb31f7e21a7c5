"""The paper's tables and its catalogue, and which studies are the published one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma import published
from murinoma.study import TimePoint

Key = tuple[str, str, str]


def keys(*datasets: int) -> list[Key]:
    """Return the keys of some published datasets, or of all."""
    scans = published.catalogue()
    if datasets:
        scans = scans[scans["dataset"].isin([f"Dataset {number}" for number in datasets])]
    return list(scans[["dataset", "mouse", "time"]].itertuples(index=False, name=None))


def test_the_catalogue_holds_452_scans_of_223_mice() -> None:
    """10 datasets, unique keys, 281 different CT names, times that can be read, all volumes above 0."""
    scans = published.catalogue()
    assert len(scans) == 452
    assert len(set(keys())) == 452
    assert scans[["dataset", "mouse"]].drop_duplicates().shape[0] == 223
    assert scans["dataset"].nunique() == 10
    assert scans["ct_file"].nunique() == 281
    assert all(TimePoint.parse(time).hours >= 0 for time in scans["time"])
    assert (scans["staple_volume_mm3"] > 0).all()


def test_13_scans_lost_half_an_hour_in_their_file_name() -> None:
    """Folder M01_22.5h, file CT_M01_22.nii.gz; all other files are named as their folder."""
    scans = published.catalogue()
    lost = scans[scans["ct_file"] != "CT_" + scans["scan_folder"] + ".nii.gz"]
    assert len(lost) == 13
    assert set(zip(lost["dataset"], lost["time"], strict=True)) == {("Dataset 1", "22.5h")}
    assert (lost["ct_file"] == "CT_" + lost["mouse"] + "_22.nii.gz").all()


def test_the_catalogue_counts_what_table_1_counts() -> None:
    """Scans and mice per dataset are those that the paper prints."""
    scans = published.catalogue().groupby("dataset")
    printed = published.table(1).set_index("dataset")
    assert scans.size().to_dict() == printed["scans"].to_dict()
    assert scans["mouse"].nunique().to_dict() == printed["mice"].to_dict()


def test_the_mean_of_table_3_is_the_mean_over_scans() -> None:
    """Scan-weighted means of Table 4 give 0.900, 0.907, 0.902 and kappa 0.903: Dice is per scan, not per tumor."""
    by_dataset, scans = published.table(4).set_index("dataset"), published.table(1).set_index("dataset")["scans"]
    columns = ["dice_AB_mean", "dice_AC_mean", "dice_BC_mean", "fleiss_kappa_mean"]
    weighted = [np.average(by_dataset[column], weights=scans[by_dataset.index]) for column in columns]
    assert [f"{mean:.3f}" for mean in weighted] == ["0.900", "0.907", "0.902", "0.903"]
    overall = published.table(3).set_index(["measure", "group"])["mean"]
    printed = [overall["dice", pair] for pair in ("A-B", "A-C", "B-C")] + [overall["fleiss_kappa", "all"]]
    assert [f"{mean:.3f}" for mean in printed] == ["0.900", "0.907", "0.902", "0.903"]


def test_weighting_by_tumors_does_not_give_table_3() -> None:
    """The other reading of the paper, tumors instead of scans, misses at least one of the four printed means."""
    by_dataset, table1 = published.table(4).set_index("dataset"), published.table(1).set_index("dataset")
    tumors = (table1["scans"] * table1["tumors_per_mouse"])[by_dataset.index]
    columns = ["dice_AB_mean", "dice_AC_mean", "dice_BC_mean", "fleiss_kappa_mean"]
    weighted = [f"{np.average(by_dataset[column], weights=tumors):.3f}" for column in columns]
    assert weighted != ["0.900", "0.907", "0.902", "0.903"]


def test_the_spread_of_b_c_does_not_follow_from_table_4() -> None:
    """Within and between datasets together give 0.049, the paper prints 0.046: its spread is no oracle."""
    by_dataset = published.table(4).set_index("dataset")
    scans = published.table(1).set_index("dataset")["scans"][by_dataset.index]
    mean = np.average(by_dataset["dice_BC_mean"], weights=scans)
    within = ((scans - 1) * by_dataset["dice_BC_std"] ** 2).sum()
    between = (scans * (by_dataset["dice_BC_mean"] - mean) ** 2).sum()
    assert f"{np.sqrt((within + between) / (scans.sum() - 1)):.3f}" == "0.049"
    printed = published.table(3).set_index(["measure", "group"])["std"]
    assert printed["dice", "B-C"] == 0.046


def test_the_whole_database_is_recognised() -> None:
    """All keys: all ten datasets, in order of their numbers, however the scans are sorted."""
    assert published.published_datasets(reversed(keys())) == [f"Dataset {number}" for number in range(1, 11)]


@pytest.mark.parametrize("number", [1, 2, 3, 8, 10])
def test_a_whole_published_dataset_is_recognised(number: int) -> None:
    """One dataset of 20 scans or more, also with a scan missing."""
    assert published.published_datasets(keys(number)) == [f"Dataset {number}"]
    assert published.published_datasets(keys(number)[1:]) == [f"Dataset {number}"]


def test_a_small_dataset_alone_could_be_anybodys() -> None:
    """The keys of Dataset 7 alone (M01 and so on at 0h, 3h, 24h) could be another lab's study: not recognised."""
    assert 0 < len(keys(7)) < 20
    assert published.published_datasets(keys(7)) == []
    assert "Dataset 7" in published.published_datasets(keys(7, 8))


def test_other_studies_are_not_recognised() -> None:
    """The name Dataset 1, a scan too many, a dataset too many, half of a dataset, or no scan at all."""
    others: list[list[Key]] = [
        [("Dataset 1", f"M{mouse:02}", "0h") for mouse in range(1, 21)],
        [*keys(1), ("Dataset 1", "M99", "0h")],
        [*keys(), ("Dataset 11", "M01", "0h")],
        keys(2)[::2],
        [],
    ]
    for study in others:
        assert published.published_datasets(study) == []


def test_the_catalogue_is_the_reference_beside_the_checkout(shared_data: Path) -> None:
    """The packaged CSV holds the rows of ``../shared/reference/published_scans.csv``."""
    path = shared_data.parent / "reference" / "published_scans.csv"
    if not path.exists():
        pytest.skip("the reference tables are not beside this checkout")
    reference = pd.read_csv(path)
    mine = published.catalogue()
    assert ("Dataset " + reference["dataset"].astype(str)).tolist() == mine["dataset"].tolist()
    for theirs, ours in (("mouse", "mouse"), ("time_point", "time"), ("group_folder", "group_folder")):
        assert reference[theirs].tolist() == mine[ours].tolist()
    assert reference["staple_volume_mm3"].tolist() == mine["staple_volume_mm3"].tolist()
