"""The plan: from the seed alone, written once, true after a move, and refused when it was changed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from murinoma.campaign import Plan, create_plan, read_plan
from murinoma.campaign.plan import is_as_handed_out
from murinoma.errors import FileError, StudyError, UsageError
from murinoma.study import read_study
from murinoma.study.campaign_paths import campaign_plan_path
from tests.builders import write_scan
from tests.campaign.campaigns import PROTOCOL, SECRETS, small_campaign, small_study

EIGHT = tuple(f"M{number:02d}" for number in range(1, 9))


def plan_of(root: Path, *, seed: int = 1, share: float = 0.25) -> Plan:
    """Return the plan of a campaign of eight scans."""
    return create_plan(small_study(root, EIGHT), ["A", "B"], seed=seed, repeat_share=share, protocol=PROTOCOL)


def test_everybody_gets_every_scan_in_an_own_order(tmp_path: Path) -> None:
    """Eight scans, a quarter of them again: ten codes each, all different, the same two scans twice for both."""
    plan = plan_of(tmp_path)
    keys = {name: [one.scan.key for one in order] for name, order in plan.orders.items()}
    assert plan.annotators == ["A", "B"]
    assert keys["A"] != keys["B"]
    assert sorted(keys["A"]) == sorted(keys["B"])
    assert {key[1] for key in keys["A"]} == set(EIGHT)
    codes = [one.code for order in plan.orders.values() for one in order]
    assert len(set(codes)) == len(codes) == 20
    assert plan.protocol == PROTOCOL


def test_the_second_time_is_counted_as_such(tmp_path: Path) -> None:
    """The earlier of the two is no repeat, the later one is repeat 1; none follows directly."""
    for order in plan_of(tmp_path).orders.values():
        times: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for place, one in enumerate(order):
            times.setdefault(one.scan.key, []).append((place, one.repeat))
        again = [found for found in times.values() if len(found) == 2]
        assert len(again) == 2
        assert all(first[1] == 0 and second[1] == 1 and second[0] - first[0] > 1 for first, second in again)


def test_the_seed_decides(tmp_path: Path) -> None:
    """The same study and seed give the same file to the byte; another seed other codes and orders."""
    files = {}
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        plan_of(tmp_path / name, seed=seed)
        files[name] = (tmp_path / name / "campaign" / "plan.json").read_bytes()
    assert files["one"] == files["two"] != files["three"]


def test_a_plan_is_written_once(tmp_path: Path) -> None:
    """A second campaign is refused, and the first plan stands."""
    study, plan = small_campaign(tmp_path)
    with pytest.raises(UsageError, match="there is a campaign already"):
        create_plan(study, ["C"], seed=2, repeat_share=0, protocol={})
    assert read_plan(study) == plan


def test_codes_and_shown_values_say_nothing(tmp_path: Path) -> None:
    """Neither a plan nor an assignment shows dataset, mouse, day or file when it is printed."""
    _, plan = small_campaign(tmp_path)
    shown = f"{plan!r} {plan.orders['A'][0]!r} {plan!s}"
    assert not [word for word in SECRETS if word in shown]


def test_a_study_that_moved_finds_its_scans(tmp_path: Path) -> None:
    """Paths in the plan are relative: in another folder every CT is there, and the one that was handed out."""
    _, plan = small_campaign(tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    moved = read_study(tmp_path / "there")
    assert read_plan(moved) == plan
    assert all(is_as_handed_out(moved, one.scan) for one in plan.orders["A"])
    assert str(tmp_path) not in campaign_plan_path(moved).read_text(encoding="utf-8")


def test_a_ct_that_changed_is_noticed(tmp_path: Path) -> None:
    """Other bytes of the same length, other length, or no file at all: not the one that was handed out."""
    study, plan = small_campaign(tmp_path)
    scans = [one.scan for one in plan.orders["A"]]
    paths = [tmp_path / scan.ct for scan in scans]
    content = bytearray(paths[0].read_bytes())
    content[-1] ^= 1
    paths[0].write_bytes(bytes(content))
    paths[1].write_bytes(b"short")
    paths[2].unlink()
    assert [is_as_handed_out(study, scan) for scan in scans] == [False, False, False]


def test_a_touched_ct_is_the_same(tmp_path: Path) -> None:
    """A copy with another time of change is what was handed out."""
    study, plan = small_campaign(tmp_path)
    scan = plan.orders["A"][0].scan
    (tmp_path / scan.ct).touch()
    assert is_as_handed_out(study, scan)


def test_scans_without_a_ct_are_not_handed_out(tmp_path: Path) -> None:
    """A scan with masks only has nothing to draw on; a study of such scans has no campaign."""
    write_scan(tmp_path, "M01_0d", {"Z": np.zeros((2, 2, 2), np.uint8)})
    with pytest.raises(StudyError, match=r"no scan of .* has a CT"):
        create_plan(read_study(tmp_path), ["A"], seed=1, repeat_share=0, protocol={})
    write_scan(tmp_path, "M02_0d", ct=np.zeros((2, 2, 2), np.int16))
    plan = create_plan(read_study(tmp_path), ["A"], seed=1, repeat_share=0, protocol={})
    assert [one.scan.mouse for one in plan.orders["A"]] == ["M02"]


@pytest.mark.parametrize("name", ["", " A", "a/b", "..", "a\\b", "a:b", "A\n", "x" * 51, "\udcff"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    """The sentence shows the name and what to use."""
    with pytest.raises(UsageError, match="an annotator cannot be called"):
        small_campaign(tmp_path, ["B", name])


@pytest.mark.parametrize("names", [["A", "a"], ["A", "A"], ["Zoë", "Zoe\u0308"], ["straße", "STRASSE"]])
def test_names_that_some_file_system_takes_for_one_are_refused(tmp_path: Path, names: list[str]) -> None:
    """Capitals and ways of writing an accent do not make two annotators."""
    with pytest.raises(UsageError, match="two annotators are called"):
        small_campaign(tmp_path, names)


@pytest.mark.parametrize("name", ["Zoë Ørsted-Li", "O'Neill", "50%", "李", "A.B"])
def test_names_of_people_are_taken(tmp_path: Path, name: str) -> None:
    """Accents, blanks, quotes, dots and percent signs are fine, and found again as people type them."""
    _, plan = small_campaign(tmp_path, [name])
    assert plan.order_of(name) == plan.orders[plan.annotators[0]]


def test_an_accent_in_two_letters_finds_its_annotator(tmp_path: Path) -> None:
    """A name that was typed on another system is the same name."""
    _, plan = small_campaign(tmp_path, ["Zoe\u0308"])
    assert plan.annotators == ["Zoë"]
    assert plan.order_of("Zoe\u0308") == plan.order_of("Zoë")
    with pytest.raises(UsageError, match="the campaign has no annotator 'Zoe'; it has Zoë"):
        plan.order_of("Zoe")


def test_no_campaign_overwrites_annotations(tmp_path: Path) -> None:
    """An annotator who is in the study already, or the name of a consensus: choose another."""
    write_scan(tmp_path, "M07_8d", {"a": np.zeros((2, 2, 2), np.uint8)}, dataset="Dataset 2")
    with pytest.raises(UsageError, match="the study has annotations of a already"):
        small_campaign(tmp_path, ["A"])
    with pytest.raises(UsageError, match="'STAPLE', which is a consensus"):
        small_campaign(tmp_path, ["STAPLE"])
    with pytest.raises(UsageError, match="needs an annotator"):
        small_campaign(tmp_path, [])


@pytest.mark.parametrize(("share", "repeats"), [(0.0, 0), (0.01, 1), (0.34, 1), (0.5, 2), (1.0, 3)])
def test_the_share_is_rounded_and_never_forgotten(tmp_path: Path, share: float, repeats: int) -> None:
    """Of three scans a share above 0 repeats at least one."""
    _, plan = small_campaign(tmp_path, repeat_share=share)
    assert sum(one.repeat for one in plan.orders["A"]) == repeats


def test_what_is_no_share_is_refused(tmp_path: Path) -> None:
    """10 % is 0.1, not 10; and a single scan has nothing between its two times."""
    with pytest.raises(UsageError, match="10 is no share"):
        small_campaign(tmp_path / "a", repeat_share=10)
    study = small_study(tmp_path / "b", ["M01"])
    with pytest.raises(UsageError, match="a single scan cannot be repeated"):
        create_plan(study, ["A"], seed=1, repeat_share=0.5, protocol={})


def test_a_study_without_a_campaign_says_how_to_make_one(tmp_path: Path) -> None:
    """The sentence names the command."""
    with pytest.raises(UsageError, match="murinoma campaign new"):
        read_plan(small_study(tmp_path))


def test_a_plan_that_was_changed_is_refused(tmp_path: Path) -> None:
    """Two codes that change their scans do not agree with the campaign's number."""
    study, _ = small_campaign(tmp_path)
    path = campaign_plan_path(study)
    content = json.loads(path.read_text(encoding="utf-8"))
    first, second = content["orders"]["A"][:2]
    first[1], second[1] = second[1], first[1]
    path.write_text(json.dumps(content))
    with pytest.raises(FileError, match="its content is not what it was when the campaign was made"):
        read_plan(study)


def test_a_newer_plan_is_refused(tmp_path: Path) -> None:
    """A plan of format 2 asks for an update, whatever else it holds."""
    study, _ = small_campaign(tmp_path)
    campaign_plan_path(study).write_text('{"format": "murinoma.campaign-plan/2", "x": 1}')
    with pytest.raises(FileError, match=r"has format 'murinoma\.campaign-plan/2'.*; update murinoma"):
        read_plan(study)
