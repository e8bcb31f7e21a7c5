"""The measuring of evidence/train_few.py, by hand."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[1] / "evidence" / "train_few.py"


@pytest.fixture(scope="module")
def evidence() -> Any:
    """Return the script as a module."""
    spec = spec_from_file_location("evidence_train_few", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_row_says_what_was_found(evidence: Any) -> None:
    """Two scans with three tumors, one of them missed, and one false lesion."""
    judged = evidence.Judged(np.array([0.8, 0.9]), np.array([0.8, 0.0, 0.9]), 1)
    history = pd.DataFrame({"network": ["coarse", "fine", "fine"], "step": [50, 50, 80]})
    row = evidence.row("pasted", judged, history)
    assert row.startswith(
        "| random weights, half of the tumors pasted in | 50, 80 | 0.850 | 0.567, 0.160 | 2/3 (0.21 to 0.94) | 0.50 |"
    )

    assert "| xeno-0 as it is shipped | none |" in evidence.row("xeno-0", judged, None)


def test_the_study_has_eight_scans_to_learn_from(evidence: Any) -> None:
    """Ten mice with one scan each, of which a fifth is held out; the unseen ones have another seed."""
    assert sum(one.mice * len(one.times) for one in evidence.DATASETS) == 10
    assert evidence.LEARNED_SEED != evidence.UNSEEN_SEED
