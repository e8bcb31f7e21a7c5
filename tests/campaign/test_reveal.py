"""A campaign is revealed once; what annotators change later is known to be later."""

import json
from pathlib import Path

import numpy as np
import pytest

from murinoma.campaign import Plan, open_store, reveal, revealed_at
from murinoma.campaign.packing import labels_sha256
from murinoma.errors import FileError, InputError
from murinoma.study import Study
from murinoma.study.campaign_paths import campaign_revealed_path, campaign_store_path
from tests.campaign.campaigns import SHAPE, annotate, plane, small_campaign, volume


def finished(root: Path, *, repeat_share: float = 0.0) -> tuple[Study, Plan]:
    """Return a campaign in which A drew label k, and B label 10 + k, in the k-th scan of their orders."""
    study, plan = small_campaign(root, repeat_share=repeat_share)
    for first, name in ((1, "A"), (11, "B")):
        with open_store(study, name) as store:
            for label, code in enumerate(store.codes, start=first):
                annotate(store, code, label)
    return study, plan


def test_every_annotation_comes_under_its_true_name(tmp_path: Path) -> None:
    """The labels of each code go to the scan that the plan names, for both annotators and for the repeat."""
    study, plan = finished(tmp_path, repeat_share=0.34)
    found = reveal(study, plan)
    expected = [
        (name, one.scan.key, one.repeat, first + place)
        for first, name in ((1, "A"), (11, "B"))
        for place, one in enumerate(plan.orders[name])
    ]
    assert [(one.annotator, one.key, one.repeat, int(one.labels().max())) for one in found] == expected
    assert [one.repeat for one in found if one.annotator == "A"].count(1) == 1
    assert np.array_equal(found[0].labels(), volume(1))
    assert not any(one.changed for one in found)


def test_a_campaign_is_revealed_once(tmp_path: Path) -> None:
    """The mark has the time and every hash; revealing again gives the same beside the same mark."""
    study, plan = finished(tmp_path)
    assert revealed_at(study, plan) == ""
    first = reveal(study, plan)
    mark, time = campaign_revealed_path(study).read_bytes(), revealed_at(study, plan)
    assert time.endswith("+00:00")
    second = reveal(study, plan)
    assert campaign_revealed_path(study).read_bytes() == mark
    assert [one.row for one in first] == [one.row for one in second]
    assert json.loads(mark)["labels"]["A"][first[0].code] == labels_sha256(volume(1))


def test_a_change_after_the_reveal_is_known(tmp_path: Path) -> None:
    """In the store's log, and in what a later reveal returns; the mark keeps the hash of then."""
    study, plan = finished(tmp_path)
    reveal(study, plan)
    with open_store(study, "A") as store:
        code = store.codes[1]
        assert "changed after reveal" not in [event.what for event in store.events()]
        annotate(store, code, 9)
        late = [event for event in store.events() if event.what == "changed after reveal"]
    assert {event.code for event in late} == {code}
    assert len(late) == 3  # the slice, the labels, handing in
    again = {one.code: one for one in reveal(study, plan)}
    assert [found for found, one in again.items() if one.changed] == [code]
    assert int(again[code].labels().max()) == 9


def test_an_unfinished_campaign_is_revealed_only_if_asked_for(tmp_path: Path) -> None:
    """The sentence counts what is open; nothing is marked. Asked for, what was handed in is revealed."""
    study, plan = small_campaign(tmp_path)
    with open_store(study, "A") as store:
        annotate(store, store.codes[0], 1)
        store.skip(store.codes[1], "moved")
        store.begin(store.codes[2], SHAPE)
        store.save_slice(store.codes[2], 1, plane(1))
    with pytest.raises(InputError, match=r"not handed in yet \(A 1 of 3, B 3 of 3\)"):
        reveal(study, plan)
    assert revealed_at(study, plan) == ""
    found = reveal(study, plan, unfinished=True)
    assert [(one.annotator, one.row.state) for one in found] == [("A", "done")]


def test_what_is_handed_in_after_an_early_reveal_counts_as_changed(tmp_path: Path) -> None:
    """Its annotator may have known the names."""
    study, plan = small_campaign(tmp_path, ["A"])
    assert reveal(study, plan, unfinished=True) == []
    with open_store(study, "A") as store:
        annotate(store, store.codes[0], 1)
    assert [one.changed for one in reveal(study, plan)] == [True]


def test_a_store_that_cannot_be_read_stops_the_reveal(tmp_path: Path) -> None:
    """Nothing is marked while one annotator's work is out of reach."""
    study, plan = finished(tmp_path)
    campaign_store_path(study, "B").write_bytes(b"no store" * 1000)
    with pytest.raises(InputError, match=r"nothing was revealed: cannot read annotator_B\.sqlite"):
        reveal(study, plan)
    assert revealed_at(study, plan) == ""


def test_labels_that_changed_on_the_way_are_not_handed_over(tmp_path: Path) -> None:
    """The loader reads later than the list: labels that differ from the list's hash are refused."""
    study, plan = finished(tmp_path)
    found = reveal(study, plan)[0]
    with open_store(study, "A") as store:
        annotate(store, found.code, 7)
    with pytest.raises(FileError, match=f"the labels of {found.code} in annotator_A.sqlite are not those"):
        found.labels()


def test_the_mark_of_another_campaign_is_refused(tmp_path: Path) -> None:
    """A mark that was copied along does not reveal this one."""
    study, plan = finished(tmp_path / "one")
    other, other_plan = small_campaign(tmp_path / "two", ["C"])
    reveal(study, plan)
    campaign_revealed_path(study).rename(campaign_revealed_path(other))
    with pytest.raises(FileError, match="belongs to campaign"):
        revealed_at(other, other_plan)
