import math

import pandas as pd

from murinoma.pages.doubts_section import Doubts, doubts_section, doubts_view
from tests.pages.evaluation_cases import texts


def doubts(name: str = "soft", scored: str = "probabilities", **columns: float) -> Doubts:
    """Return the scores of two scans, and two bins of which one has no voxel."""
    scans = pd.DataFrame({"brier": [0.01, 0.03], "calibration_error": [0.1, 0.1]}).assign(**columns)
    bins = pd.DataFrame({"low": [0.0, 0.5], "high": [0.5, 1.0], "n_voxels": [0, 8], "probability": [math.nan, 0.9]})
    return Doubts(name, scored, scans, bins.assign(share=[math.nan, 0.6]))


def test_scores_are_means_over_scans() -> None:
    """Brier scores of 0.01 and 0.03 have the mean 0.02; an energy distance is of samples only."""
    assert texts(doubts_view([doubts()]))["soft"] == ["probabilities", "0.0200 ± 0.0141", "0.1000 ± 0.0000", "–", "2"]
    assert texts(doubts_view([doubts(scored="samples", energy_distance=0.25)]))["soft"][3] == "0.250 ± 0.000"


def test_the_section_draws_a_line_for_each_source() -> None:
    """Two sources; the numbers stand beside the chart under its name."""
    section = doubts_section([doubts(), doubts("other")])
    (chart,) = section.charts
    assert 'id="bins-1"' in chart.svg
    assert list(section.tables) == [chart.name] == ["probabilities-reliability"]
    assert section.html.strip().startswith('<section aria-labelledby="probabilities">')
