"""Somebody else's probabilities and sampled masks against the votes of the annotators."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from murinoma.errors import StudyError
from murinoma.settings import RunSettings
from murinoma.steps.evaluate.scoring import score_probabilities, score_samples
from murinoma.study import read_study
from tests.builders import box, three_masks, write_nifti, write_scan

MASKS = three_masks()
SHAPE = (8, 8, 8)
SHARE = np.mean([mask > 0 for mask in MASKS.values()], axis=0).astype(np.float32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a study of one scan with three annotators."""
    write_scan(tmp_path / "study", masks=MASKS)
    return tmp_path / "study"


def probable(root: Path, values: npt.NDArray[Any], **header: Any) -> Path:
    """Write probabilities of the scan into a folder and return it."""
    write_nifti(root.parent / "soft" / "M01_0d.nii.gz", values, **header)
    return root.parent / "soft"


def table(root: Path, name: str) -> pd.DataFrame:
    """Return a table of the source."""
    return pd.read_csv(root / "derivatives" / "evaluation" / "net" / f"{name}.csv")


def test_the_share_of_votes_itself_is_perfect(root: Path) -> None:
    """Brier score and calibration error 0, and every bin on the diagonal."""
    result = score_probabilities(read_study(root), "net", probable(root, SHARE))
    (row,) = table(root, "probabilities").to_dict("records")
    assert (row["brier"], row["calibration_error"], row["n_annotators"]) == pytest.approx((0, 0, 3), abs=1e-9)
    bins = table(root, "reliability").dropna()
    np.testing.assert_allclose(bins["probability"], bins["share"], atol=1e-6)
    assert result.scans == 1
    assert result.result == root / "derivatives" / "evaluation" / "net" / "probabilities.csv"


def test_probabilities_by_hand(root: Path) -> None:
    """0.5 where somebody marked: off by 0.5 in A's 48 voxels, by 1/6 in 32 of one or two votes, of those scored."""
    score_probabilities(read_study(root), "net", probable(root, np.where(SHARE > 0, 0.5, 0).astype(np.float32)))
    (row,) = table(root, "probabilities").to_dict("records")
    assert row["brier"] * row["n_voxels"] == pytest.approx(48 * 0.25 + 32 / 36)
    (found,) = table(root, "reliability").query("n_voxels > 0 and probability == 0.5").to_dict("records")
    assert found["n_voxels"] == 80
    assert found["share"] == pytest.approx((48 + 16 * 2 / 3 + 16 / 3) / 80)


@pytest.mark.parametrize(
    ("values", "header", "sentence"),
    [
        (255 * SHARE, {}, "holds values from 0 to 255; probabilities are 0 to 1"),
        (SHARE - 1, {}, "holds values from -1 to 0"),
        (SHARE[:7], {}, "put the probabilities on the scan's own grid"),
        (SHARE, {"spacing_mm": (1, 1, 2)}, "put the probabilities on the scan's own grid"),
        (np.where(SHARE > 0, np.nan, 0).astype(np.float32), {}, "NaN"),
    ],
)
def test_what_is_no_probability_fails(
    values: npt.NDArray[Any], header: dict[str, Any], sentence: str, root: Path
) -> None:
    """One sentence for the scan."""
    result = score_probabilities(read_study(root), "net", probable(root, values, **header))
    assert result.result is None
    assert sentence in result.failed[0].message


def test_the_annotators_as_samples_are_at_no_distance_of_themselves(root: Path) -> None:
    """All three masks as samples: the energy distance is 0; three times A's it is not."""
    folder = root.parent / "drawn"
    for name, mask in MASKS.items():
        write_nifti(folder / f"M01_0d_{name}.nii.gz", mask)
    result = score_samples(read_study(root), "net", folder)
    (row,) = table(root, "samples").to_dict("records")
    assert (row["n_samples"], row["n_annotators"]) == (3, 3)
    assert row["energy_distance"] == pytest.approx(0, abs=1e-12)
    assert row["brier"] == pytest.approx(0)
    assert result.numbers["energy_distance"] == pytest.approx(0, abs=1e-12)
    for name in MASKS:
        write_nifti(folder / f"M01_0d_{name}.nii.gz", MASKS["A"])
    score_samples(read_study(root), "net", folder)
    (again,) = table(root, "samples").to_dict("records")
    mean_to_others = (1 - 48 / 64 + 1 - 48 / 80) / 3
    among_themselves = 2 / 9 * ((1 - 48 / 64) + (1 - 48 / 80) + (1 - 64 / 80))
    assert again["energy_distance"] == pytest.approx(2 * mean_to_others - among_themselves)


def test_one_sample_is_no_distribution(root: Path) -> None:
    """The scan fails with what is needed."""
    write_nifti(root.parent / "drawn" / "M01_0d.nii.gz", MASKS["A"])
    result = score_samples(read_study(root), "net", root.parent / "drawn")
    assert "a distribution needs 2 or more" in result.failed[0].message


def test_scans_without_annotations_cannot_be_scored(tmp_path: Path) -> None:
    """Nothing to hold the probabilities against."""
    write_scan(tmp_path / "study", ct=np.zeros(SHAPE, np.int16))
    with pytest.raises(StudyError, match=r"no scan with files in .* is annotated"):
        score_probabilities(read_study(tmp_path / "study"), "net", probable(tmp_path / "study", SHARE))


def test_a_rerun_goes_by_the_files_not_only_by_their_names(root: Path) -> None:
    """Samples of several runs have the same names in several folders."""
    folder = root.parent / "drawn"
    for run in ("one", "two"):
        write_nifti(folder / run / "M01_0d.nii.gz", MASKS["A"])
    score_samples(read_study(root), "net", folder)
    dry = score_samples(read_study(root), "net", folder, how=RunSettings(dry_run=True))
    assert dry.numbers == {"waiting": 0, "done": 1}
    write_nifti(folder / "one" / "M01_0d.nii.gz", box(SHAPE, (0, 8), (0, 8), (0, 8)))
    dry = score_samples(read_study(root), "net", folder, how=RunSettings(dry_run=True))
    assert dry.numbers == {"waiting": 1, "done": 0}
