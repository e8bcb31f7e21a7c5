"""The real annotators: lung nodules of 20 people that four radiologists marked (LIDC), as a study."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.files.nifti import read_volume
from murinoma.study import read_study


def real_masks(shared_data: Path) -> Iterator[dict[str, npt.NDArray[np.bool_]]]:
    """Yield the masks of each scan by annotator, A to D."""
    for scan in read_study(shared_data / "lidc_study").scans:
        yield {name: read_volume(path).voxels > 0 for name, path in sorted(scan.annotations.items())}
