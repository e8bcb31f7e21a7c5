"""A DICOM series of phantoms: read back by our reader and by SimpleITK, the same bytes every time."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from murinoma.errors import FileError
from murinoma.files import dicom
from murinoma.files.dicom_writer import write_series
from murinoma.files.parameters import Parameters
from murinoma.volume import Volume

HU = np.random.default_rng(1).integers(-1024, 3000, (6, 5, 4)).astype(np.int16)
AFFINE = np.array([[0.3, 0, 0, -7], [0, 0.2, 0, 5], [0, 0, 0.4, 11], [0, 0, 0, 1.0]])
SAID = Parameters(kvp=60, ua=500, ms=300, scanner="phantom", reconstruction="Shepp")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """HU to the bit, the place in RAS, and the parameters."""
    write_series(Volume(HU, AFFINE), tmp_path, uid=7, parameters=SAID)
    found = dicom.read(tmp_path)
    np.testing.assert_array_equal(found.volume.voxels, HU)
    np.testing.assert_allclose(found.volume.affine, AFFINE, atol=1e-6)
    assert (found.parameters.kvp, found.parameters.ua, found.parameters.ms) == (60, 500, 300)


def test_simple_itk_reads_the_same(tmp_path: Path) -> None:
    """An independent reader finds the values and the spacing."""
    write_series(Volume(HU, AFFINE), tmp_path, uid=7, parameters=SAID)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), HU)
    np.testing.assert_allclose(image.GetSpacing(), (0.3, 0.2, 0.4))
    np.testing.assert_allclose(image.GetOrigin(), (7, -5, 11))


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    """No date and no chance is in a file, and no name."""
    for name in ("one", "two"):
        write_series(Volume(HU, AFFINE), tmp_path / name, uid=7, parameters=SAID)
    first, second = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert len(first) == 6


def test_other_values_than_int16_are_refused(tmp_path: Path) -> None:
    """A phantom's HU are whole; anything else would be rounded in silence."""
    with pytest.raises(FileError, match="int16"):
        write_series(Volume(HU.astype(np.float32), AFFINE), tmp_path, uid=7, parameters=SAID)
