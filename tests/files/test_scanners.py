"""Which scanner made a scan."""

from pathlib import Path

import numpy as np

from murinoma.files.parameters import Parameters
from murinoma.files.scanners import scanner_of
from murinoma.files.sidecar import Sidecar, write_sidecar
from murinoma.study import read_study
from tests.builders import three_masks, write_scan


def test_people_win_over_the_sidecar_and_nobody_is_empty(tmp_path: Path) -> None:
    """study.toml first, then the JSON beside the CT; a damaged one says nothing."""
    folder = write_scan(tmp_path, masks=three_masks(), ct=np.zeros((8, 8, 8), np.int16))

    def said() -> str:
        study = read_study(tmp_path)
        return scanner_of(study, study.scans[0])

    assert said() == ""
    sidecar = folder / "CT_M01_0d.json"
    write_sidecar(Sidecar(Parameters(scanner="Siemens Inveon")), sidecar)
    assert said() == "Siemens Inveon"
    sidecar.write_text("{")
    assert said() == ""
    (tmp_path / "study.toml").write_text(
        'format = "murinoma.study/1"\n[datasets."Dataset 1"]\nscanner = "Skyscan 1176"\n'
    )
    assert said() == "Skyscan 1176"


def test_a_scan_without_a_ct_has_no_sidecar(tmp_path: Path) -> None:
    """Only people know."""
    write_scan(tmp_path, masks=three_masks())
    study = read_study(tmp_path)
    assert scanner_of(study, study.scans[0]) == ""
