from murinoma.pages.evaluation_tables import (
    detection_view,
    distances_view,
    group_views,
    source_limits_view,
    table4_with_source_view,
    worst_source_view,
)
from tests.pages.evaluation_cases import evaluated, evaluation_tables, texts


def test_the_source_is_compared_with_each_annotator_and_they_with_one_another() -> None:
    """Means with intervals; a log ratio of 0 is a ratio of 1."""
    view = distances_view(evaluated())
    rows = texts(view)
    human = "Annotators with one another"
    assert list(rows) == ["net vs. A", "net vs. B", "net, mean of these", human, "net vs. STAPLE", "net vs. majority"]
    assert rows["net vs. A"] == ["0.650", "–", "–", "–", "1.000"]
    assert rows[human][0] == "0.850"
    assert view.rows[0].cells[0].interval == "0.550 to 0.750"


def test_a_consensus_without_one_annotator_stands_where_three_judged() -> None:
    """Then the annotator left out is held against it as well."""
    tables = evaluation_tables()
    tables["scans"] = tables["scans"].assign(dice_staple_without_A=0.7, dice_staple_without_B=0.7)
    rows = texts(distances_view(evaluated(tables=tables)))
    assert {"net vs. STAPLE without A", "A vs. STAPLE of the others"} <= set(rows)


def test_table_4_has_the_source_as_further_columns() -> None:
    """Pairs of annotators first, then the source with each and on average."""
    view = table4_with_source_view(evaluated())
    assert view.head[:5] == ["Dataset", "Dice A vs. B", "Dice net vs. A", "Dice net vs. B", "Dice net, mean"]
    assert texts(view)["Dataset 1"][:4] == ["0.850 ± 0.070", "0.650 ± 0.350", "–", "0.675 ± 0.250"]


def test_groups_of_one_say_nothing_new() -> None:
    """Two classes of tumors make a table, from small to large whatever the scans' order; no dataset or day does."""
    (view,) = group_views(evaluated())
    assert view.caption.startswith("By size of the tumor")
    assert [(name, cells[0]) for name, cells in texts(view).items()] == [
        ("30–100 mm³", "0.500"),
        ("over 1000 mm³", "0.800"),
    ]


def test_tumors_found_are_counted_by_size_with_bounds() -> None:
    """Sizes without a tumor are left out; false lesions have their rate, and how far they lie."""
    view = detection_view(evaluated())
    assert texts(view) == {
        "Tumors of all sizes": ["2 of 2", "100.0\xa0%", "2"],
        "30–100 mm³": ["1 of 2", "50.0\xa0%", "2"],
        "False lesions over 10 mm³, in scans": ["1 in 2", "0.50", "2"],
    }
    assert [row.cells[1].interval for row in view.rows] == ["60.0\xa0% to 100.0\xa0%", "", "0.03 to 2.40"]
    assert "50 mm³ in the median, 12.0 mm from the nearest tumor" in view.notes[-1]


def test_the_lowest_dice_comes_first() -> None:
    """The second scan; the list says how many more there are."""
    view = worst_source_view(evaluated(), 1)
    assert list(texts(view)) == ["Dataset 1 M02_0d"]
    assert view.notes[0].startswith("1 more")


def test_volumes_are_compared_with_each_annotator_and_their_mean() -> None:
    """The ratio is source / annotator."""
    assert list(texts(source_limits_view(evaluated()))) == ["net / A", "net / B", "net / annotators’ mean"]
