from pathlib import PurePath

from murinoma.pages.folder_tree import Branch, folder_tree


def names(branch: Branch) -> list[str]:
    """Return the names of a tree from top to bottom."""
    return [branch.name, *(name for inner in branch.inside for name in names(inner))]


def test_one_scan_is_shown_in_full() -> None:
    """Its folders, its files, and a line for what else each folder holds."""
    scans = [PurePath(path) for path in ("D 1/G/M1", "D 1/G/M2", "D 1/H/M3", "D 2/I/M1")]
    tree = folder_tree("S", scans, {"CT.nii": "CT", "A.nii": "outline"}, example=1, beside={"results": "computed"})
    assert names(tree) == ["S/", "D 1/", "G/", "M2/", "CT.nii", "A.nii", "…", "…", "…", "results/"]


def test_the_others_are_counted() -> None:
    """One more scan beside it, one more group with one scan, two more datasets with three."""
    scans = [PurePath(path) for path in ("D1/G/M1", "D1/G/M2", "D1/H/M3", "D2/I/M1", "D2/I/M2", "D3/I/M1")]
    tree = folder_tree("S", scans, {})
    dataset, datasets = tree.inside
    group, groups = dataset.inside
    _, others = group.inside
    assert [line.note for line in (others, groups, datasets)] == [
        "1 more folder of a scan",
        "1 more folder with 1 scan",
        "2 more folders with 3 scans",
    ]
    assert all(line.counted for line in (others, groups, datasets))


def test_a_study_without_scans_is_its_folder() -> None:
    """There is nothing to show in it."""
    assert names(folder_tree("S", [], {})) == ["S/"]
