from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from murinoma.pages.study_flow import StudyFlow

COUNTS = st.integers(0, 500)
REASONS = st.dictionaries(st.sampled_from(["dead", "moved", ""]), st.integers(1, 9))


def test_what_enters_is_what_stays_and_what_leaves() -> None:
    """Three measured, one bare, one of a single annotator, two left out: seven scans found, five in the study."""
    flow = StudyFlow(left_out={"dead": 2}, without_annotation=1, one_annotator=1, measured=3, marked_by_all=4, missed=1)
    assert [(stage.count, stage.what) for stage in flow.scan_stages] == [
        (7, "scans found"),
        (5, "scans in the study"),
        (3, "scans measured"),
    ]
    assert [stage.count for stage in flow.tumor_stages] == [5, 4]


def test_reasons_are_counted_the_most_frequent_first() -> None:
    """A row without a reason says so."""
    (leaving,) = StudyFlow(left_out={"": 1, "dead": 3}).scan_stages[0].exits
    assert (leaving.count, leaving.more) == (4, "dead (3), no reason given (1)")


@given(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS), st.tuples(COUNTS, COUNTS), REASONS, REASONS)
def test_every_stage_is_the_one_before_without_its_exits(
    kinds: tuple[int, int, int, int, int], marks: tuple[int, int], scans: dict[str, int], tumors: dict[str, int]
) -> None:
    """Whatever the counts, the stages of scans and those of tumors add up, and no exit is empty."""
    contradictory, bare, single, unmeasured, measured = kinds
    flow = StudyFlow(contradictory, scans, bare, single, unmeasured, measured, tumors, *marks)
    for stages in (flow.scan_stages, flow.tumor_stages):
        for before, after in pairwise(stages):
            assert before.count - sum(leaving.count for leaving in before.exits) == after.count
            assert all(leaving.count for leaving in before.exits)
