"""HU: the smallest honest type, the peaks of air and soft tissue, and calibration by two points."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from murinoma.errors import FileError, UsageError
from murinoma.files.hounsfield import check_hu, hu_peaks, recalibrate, to_hu
from murinoma.volume import Volume

HERE = Path("a.img")
RAMP = np.arange(-1000, 1000, 1, dtype=np.int16).reshape(2, 10, 100)


def animal(*, air: float = -1000, tissue: float = 30, shape: tuple[int, int, int] = (20, 40, 40)) -> npt.NDArray[Any]:
    """Return noisy grey values: a block of tissue with some bone in air."""
    hu = np.random.default_rng(3).normal(air, 25, shape)
    hu[4:16, 12:28, 12:28] += tissue - air
    hu[8:12, 18:22, 18:22] += 900
    return hu.astype(np.int16)


def volume(voxels: npt.NDArray[Any]) -> Volume:
    """Return voxels at 1 mm."""
    return Volume(voxels, np.eye(4))


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "f4"])
def test_unscaled_small_types_are_not_copied(kind: str) -> None:
    """Values that need no arithmetic and no larger type come back as the same memory."""
    stored = np.ones((2, 3, 4), kind)
    assert to_hu(stored, 1.0, 0.0, HERE) is stored


@pytest.mark.parametrize("kind", ["<i4", ">i2", ">f4", "<u2", "<f8"])
def test_other_types_become_int16_where_they_fit(kind: str) -> None:
    """Large types and the other byte order become native int16, with the same values."""
    stored = (RAMP + 1000).astype(kind)
    found = to_hu(stored, 1.0, -1000.0, HERE)
    assert found.dtype == np.int16
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, RAMP)


def test_the_inveons_dicom_scale_is_kept_to_half_a_hu() -> None:
    """Slope 0.289 and intercept 8477.6 on all of int16 give int16 that is at most 0.5 HU off."""
    stored = np.arange(-32768, 32768).astype(np.int16).reshape(4, 128, 128)
    found = to_hu(stored, 0.289, 8477.6, HERE)
    assert found.dtype == np.int16
    assert np.abs(found - (stored * 0.289 + 8477.6)).max() <= 0.5


@pytest.mark.parametrize(("slope", "intercept"), [(100.0, 0.0), (1e-5, 0.0), (1.0, 40000.0)])
def test_what_int16_cannot_hold_becomes_float32(slope: float, intercept: float) -> None:
    """Values beyond int16, and attenuations that whole numbers would wipe out, are float32."""
    found = to_hu(RAMP, slope, intercept, HERE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, RAMP * slope + intercept, rtol=1e-6)


def test_every_slice_may_have_its_own_scale() -> None:
    """Stored 10 with slopes 1 and 2 and intercepts 0 and 5 is 10 and 25 HU."""
    found = to_hu(np.full((2, 1, 1), 10, np.uint8), np.array([1.0, 2.0]), np.array([0.0, 5.0]), HERE)
    assert found.ravel().tolist() == [10, 25]


@given(
    arrays(np.int16, array_shapes(min_dims=3, max_dims=3, max_side=6)),
    st.floats(-3, 3).filter(lambda slope: slope != 0),
    st.floats(-1e4, 1e4),
)
def test_hu_are_never_more_than_half_off(stored: npt.NDArray[np.int16], slope: float, intercept: float) -> None:
    """Any scale gives the line's values within 0.5 HU, whichever type is chosen."""
    exact = stored * np.float64(slope) + intercept
    assert np.abs(to_hu(stored, slope, intercept, HERE) - exact).max() <= 0.501


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8"])
def test_what_is_no_number_is_refused(bad: float, kind: str) -> None:
    """NaN and infinities are named with their file."""
    stored = np.zeros((3, 2, 2), kind)
    stored[1, 1, 0] = bad
    with pytest.raises(FileError, match=r"a\.img has voxels that are NaN or infinite; replace"):
        to_hu(stored, 1.0, 0.0, HERE)


# the check


def test_a_good_ct_passes() -> None:
    """Air at -1000 and tissue at 30 HU need no warning, with or without bone and padding around the field."""
    assert check_hu(volume(animal())) == ""
    padded = animal()
    padded[:, :6] = -3024
    assert check_hu(volume(padded)) == ""
    peaks = hu_peaks(animal())
    assert abs(peaks.air_hu + 1000) < 15
    assert abs(peaks.tissue_hu - 30) < 15
    assert not peaks.clipped


@pytest.mark.parametrize("tissue", [-45.0, 100.0])
def test_tissue_within_50_of_0_to_60_passes(tissue: float) -> None:
    """Scanners differ; so much is no fault."""
    assert check_hu(volume(animal(tissue=tissue))) == ""


def test_values_that_are_no_hu_are_said() -> None:
    """Air at 0 and tissue at 1000 are both named, with the way out."""
    said = check_hu(volume(animal(air=0, tissue=1000)))
    assert "air peaks at" in said
    assert "soft tissue peaks at" in said
    assert "calibrate with air=" in said


def test_clipped_air_is_called_clipped() -> None:
    """A CT clipped to -400 HU says so."""
    assert "air peaks at -39" in (said := check_hu(volume(animal().clip(-400, 1000))))
    assert "(clipped there)" in said
    assert "soft tissue" not in said


@pytest.mark.parametrize("field", [np.full((4, 8, 8), -1000, np.int16), animal(tissue=-1000) // 2 - 500])
def test_an_empty_field_has_one_peak(field: npt.NDArray[Any]) -> None:
    """Air alone is one peak, constant or noisy."""
    field = np.where(field > -800, -1000, field).astype(np.int16)
    assert "one peak only, at -" in check_hu(volume(field))


def test_the_real_scan_warns_of_its_soft_tissue(shared_data: Path) -> None:
    """The real scan's air is where it should be, its soft tissue near -90 HU."""
    from murinoma.files.nifti import read_volume

    real = read_volume(shared_data / "inveon_two_mice_0.39mm.nii.gz")
    peaks = hu_peaks(real.voxels)
    assert peaks.air_hu < -980
    assert -110 < peaks.tissue_hu < -70
    assert check_hu(real).startswith("soft tissue peaks at -")


# calibration


def test_two_points_make_hu() -> None:
    """What read 100 for air and 1100 for water reads -1000 and 0; 600 lies halfway."""
    found = recalibrate(volume(np.array([[[100, 1100], [600, 600]]])), air=100, water=1100)
    assert found.voxels.ravel().tolist() == [-1000, 0, -500, -500]


def test_calibration_mends_what_the_check_found() -> None:
    """After calibration by its own peaks a CT passes."""
    raw = volume(animal(air=50, tissue=440))
    assert check_hu(raw)
    assert check_hu(recalibrate(raw, air=50, water=425)) == ""


@pytest.mark.parametrize(("air", "water"), [(0, 0), (10, 0), (math.nan, 0), (0, math.inf)])
def test_points_that_make_no_line_are_refused(air: float, water: float) -> None:
    """Air must lie below water, and both must be numbers."""
    with pytest.raises(UsageError, match="air below water"):
        recalibrate(volume(RAMP), air=air, water=water)
