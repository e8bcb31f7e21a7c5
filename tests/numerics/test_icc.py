"""ICC(A,1) of log volumes: by hand, by property, against pingouin and statsmodels, on real masks."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.mixed_linear_model import MixedLM

from murinoma import read_study
from murinoma.files.masks import read_annotations
from murinoma.numerics.icc import fit_agreement, icc_agreement
from murinoma.numerics.tumors import count_tumors
from murinoma.numerics.volume_ratios import log_volumes
from murinoma.settings import TumorSettings

# Shrout & Fleiss 1979, Table 2: six targets, four judges; their Table 4 gives ICC(2,1) = 0.29
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def real_volumes(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the volumes (n, 4) of all nodules of the real study in mm3, as agree sees them, and their patients."""
    study = read_study(shared_data / "lidc_study")
    rows, mice = [], []
    for place, scan in enumerate(study.scans):
        annotations = read_annotations(scan)
        _, tumors = count_tumors(
            list(annotations.masks.values()),
            spacing_mm=annotations.spacing_mm,
            **vars(TumorSettings()),
            left_out=frozenset(),
        )
        seen = dict(zip(annotations.masks, np.asarray(tumors.voxels).T * annotations.voxel_mm3, strict=True))
        rows += list(np.column_stack([seen.get(name, np.full(len(tumors.numbers), np.nan)) for name in "ABCD"]))
        mice += [place] * len(tumors.numbers)
    return np.array(rows, float), np.array(mice)


def simulated(seed: int, n_mice: int = 20, absent: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return log volumes of 1 to 6 tumors per mouse by three annotators, some of them absent."""
    rng = np.random.default_rng(seed)
    mice = np.repeat(np.arange(n_mice), rng.integers(1, 7, n_mice))
    size = rng.normal(0, 0.5, n_mice)[mice] + rng.normal(0, 0.4, len(mice))
    logs = size[:, None] + [0.0, 0.1, -0.05] + rng.normal(0, 0.12, (len(mice), 3))
    logs[rng.random(logs.shape) < absent] = np.nan
    return logs, mice


def long_table(logs: np.ndarray, mice: np.ndarray) -> pd.DataFrame:
    """Return a row per known volume."""
    row, annotator = np.nonzero(np.isfinite(logs))
    return pd.DataFrame({"y": logs[row, annotator], "tumor": row, "annotator": annotator, "mouse": mice[row]})


def classical_icc(logs: np.ndarray) -> float:
    """Return ICC(A,1) of a full table from the three mean squares (McGraw & Wong 1996, Table 4)."""
    n, k = logs.shape
    rows, columns = logs.mean(axis=1, keepdims=True), logs.mean(axis=0, keepdims=True)
    of_rows, of_columns = k * rows.var(ddof=1), n * columns.var(ddof=1)
    error = ((logs - rows - columns + logs.mean()) ** 2).sum() / (n - 1) / (k - 1)
    return float((of_rows - error) / (of_rows + (k - 1) * error + k / n * (of_columns - error)))


def pingouin_icc(logs: np.ndarray) -> float:
    """Return the classical ICC(A,1) of a full table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pingouin calls pandas in a way that pandas gives up
        table = pingouin.intraclass_corr(
            long_table(logs, np.arange(len(logs))), targets="tumor", raters="annotator", ratings="y"
        )
    return float(table.loc[table.Type.isin(["ICC2", "ICC(A,1)"]), "ICC"].iloc[0])


def statsmodels_variances(logs: np.ndarray, mice: np.ndarray) -> tuple[float, float, float, float]:
    """Return mouse, tumor, annotator and error variance of a mixed model: annotators fixed, mouse and tumor random."""
    fit = MixedLM.from_formula(
        "y ~ 0 + C(annotator)",
        groups="mouse",
        re_formula="1",
        vc_formula={"tumor": "0 + C(tumor)"},
        data=long_table(logs, mice),
    ).fit(reml=True, method=["bfgs"], gtol=1e-8)
    n = logs.shape[1]
    effects, covariance = np.asarray(fit.fe_params), np.asarray(fit.cov_params())[:n, :n]
    centre = np.eye(n) - 1 / n
    annotator = (effects @ centre @ effects - np.trace(centre @ covariance)) / (n - 1)
    return float(fit.cov_re.iloc[0, 0]), float(fit.vcomp[0]), float(annotator), float(fit.scale)


def test_the_table_of_shrout_and_fleiss() -> None:
    """Their six targets and four judges: ICC(2,1) = 0.29, by the mean squares 11.24, 32.49 and 1.02."""
    model = fit_agreement(SHROUT_FLEISS, np.arange(6))
    assert model.icc == pytest.approx(0.29, abs=0.001)
    assert model.icc == pytest.approx(pingouin_icc(SHROUT_FLEISS), abs=1e-6)
    assert model.error == pytest.approx(1.02, abs=0.005)
    assert model.tumor == pytest.approx((11.24 - 1.02) / 4, abs=0.005)
    assert model.annotator == pytest.approx((32.49 - 1.02) / 6, abs=0.005)
    assert np.isnan(model.mouse)


@given(seed=st.integers(0, 999), n=st.integers(3, 15), n_annotators=st.integers(2, 12))
def test_one_tumor_per_mouse_is_the_classical_icc(seed: int, n: int, n_annotators: int) -> None:
    """A full table, a mouse per row: as the mean squares give it, to 1e-6, where that is above 0."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(0, 1, n)[:, None] + rng.normal(0, 0.2, n_annotators) + rng.normal(0, 0.4, (n, n_annotators))
    classical = classical_icc(logs)
    if classical > 0.001:
        assert fit_agreement(logs, np.arange(n)).icc == pytest.approx(classical, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_several_tumors_per_mouse_and_absent_annotators_agree_with_statsmodels(seed: int) -> None:
    """The same model by MixedLM: ICC to 1e-4, every variance to 1 %."""
    logs, mice = simulated(seed)
    model, oracle = fit_agreement(logs, mice), statsmodels_variances(logs, mice)
    assert model.icc == pytest.approx(sum(oracle[:2]) / sum(oracle), abs=1e-4)
    assert (model.mouse, model.tumor, model.annotator, model.error) == pytest.approx(oracle, rel=0.01, abs=1e-4)


def test_real_masks_agree_with_pingouin_and_statsmodels(shared_data: Path) -> None:
    """Nodules outlined by four radiologists: by pingouin; two patients taken as a mouse and gaps made, by MixedLM."""
    volumes, mice = real_volumes(shared_data)
    logs = log_volumes(volumes)
    assert np.isfinite(logs).all()
    assert fit_agreement(logs, mice).icc == pytest.approx(pingouin_icc(logs), abs=1e-4)
    found = icc_agreement(logs, mice, np.zeros_like(mice))
    assert 0.5 < found.low < found.value < found.high < 1
    assert (found.n_mice, found.method) == (20, "t over mice")
    logs[::3, 1] = logs[4, [2, 3]] = np.nan
    oracle = statsmodels_variances(logs, mice // 2)
    assert fit_agreement(logs, mice // 2).icc == pytest.approx(sum(oracle[:2]) / sum(oracle), abs=1e-4)


@settings(max_examples=25)
@given(seed=st.integers(0, 200), scale=st.floats(-3, 3))
def test_units_and_order_do_not_matter(seed: int, scale: float) -> None:
    """Volumes in cm3 or mm3, rows and annotators in any order, other codes of the mice: the same ICC."""
    logs, mice = simulated(seed, n_mice=8)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(mice)), rng.permutation(3)
    other = fit_agreement(scale + logs[rows][:, columns], 50 - 3 * mice[rows])
    assert other.icc == pytest.approx(fit_agreement(logs, mice).icc, abs=1e-6)


def test_rows_and_annotators_without_a_volume_change_nothing() -> None:
    """A tumor nobody measured, and an annotator who measured nothing, are not there."""
    logs, mice = simulated(1)
    padded = np.column_stack([np.vstack([logs, [np.nan] * 3]), np.full(len(logs) + 1, np.nan)])
    wider = icc_agreement(padded, np.append(mice, 999), np.zeros(len(mice) + 1, int))
    assert wider == icc_agreement(logs, mice, np.zeros_like(mice))


def test_annotators_who_differ_by_a_factor_or_not_at_all() -> None:
    """No error is left: ICC 1 for equal volumes; for a factor e^0.2 the annotators' variance 0.02 remains."""
    size = np.array([1.0, 2, 3])
    assert fit_agreement(np.column_stack([size, size]), np.arange(3)).icc == pytest.approx(1)
    model = fit_agreement(np.column_stack([size, size + 0.2]), np.arange(3))
    assert [model.annotator, model.error] == pytest.approx([0.02, 0])
    assert model.icc == pytest.approx(1 / 1.02)
    equal = icc_agreement(np.column_stack([np.arange(6.0)] * 2), np.arange(6), np.zeros(6, int))
    assert equal.value == pytest.approx(1)
    assert equal.method == "none"


def test_too_little_to_tell_is_nan() -> None:
    """No row, one row, one annotator, no tumor with two volumes, volumes all alike."""
    nan = np.nan
    for logs in ([], [[1.0, 2.0]], [[1.0], [2.0], [3.0]], [[1.0, nan], [nan, 2.0], [3.0, nan]], [[1.0, 1.0]] * 4):
        table = np.array(logs, float).reshape(len(logs), -1) if logs else np.empty((0, 3))
        assert np.isnan(fit_agreement(table, np.arange(len(table))).icc)
        assert icc_agreement(table, np.arange(len(table)), np.zeros(len(table), int)).method == "none"


def test_four_mice_have_no_interval() -> None:
    """The value stands, the interval does not."""
    logs, mice = simulated(2, n_mice=4)
    found = icc_agreement(logs, mice, np.zeros_like(mice))
    assert found.value == pytest.approx(fit_agreement(logs, mice).icc)
    assert (found.n_mice, found.method) == (4, "none")


def test_tumors_that_are_all_alike_agree_by_nothing() -> None:
    """Only noise: ICC 0, and the interval, if there is one, stays in 0 to 1."""
    logs = np.array([[0.0, 1], [1, 0], [0, 1], [1, 0], [0, 1], [1, 0]])
    assert fit_agreement(logs, np.arange(6)).icc == pytest.approx(0, abs=1e-4)
