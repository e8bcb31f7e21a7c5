import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murinoma import published
from murinoma.pages.chart_labels import folded, free_places, short_names
from murinoma.pages.chart_svg import COLOURS, HATCHES, MARKERS, for_page
from murinoma.pages.charts import dice_chart, difference_chart, rmse_chart
from murinoma.pages.volume_charts import limits_chart, size_chart
from murinoma.steps.agree import agree
from murinoma.study import read_study

ABC = ("A", "B", "C")
LIMITS = ["ratio", "limit_low", "limit_high", "limit_low_low", "limit_low_high", "limit_high_low", "limit_high_high"]
ODD_NAMES = {"Dataset 1": "<b>bold</b> & $x_1$", "Dataset 2": "データセット", "Dataset 3": "a\x07bell\nand a break"}


def study(
    keys: pd.DataFrame, annotators: tuple[str, ...] = ABC, *, spread: float = 0.1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tables of scans and tumors, one tumor a scan, with chance volumes and Dice; `keys` has volume_cm3 too."""
    rng = np.random.default_rng(4)
    volumes = keys["volume_cm3"].to_numpy()[:, None] * np.exp(rng.normal(0, spread, (len(keys), len(annotators))))
    base = keys.drop(columns="volume_cm3").reset_index(drop=True)
    dice = {f"dice_{a}_{b}": 1 - rng.uniform(0.02, 0.2, len(keys)) for a, b in combinations(annotators, 2)}
    scans = base.assign(**dice, dice_mean=np.mean(list(dice.values()), axis=0), staple_volume_cm3=volumes.mean(axis=1))
    columns = {f"volume_cm3_{name}": volumes[:, at] for at, name in enumerate(annotators)}
    mean, rmse = volumes.mean(axis=1), volumes.std(axis=1)
    tumors = base.assign(**columns, volume_cm3_mean=mean, rmse_cm3=rmse, rmse_percent=100 * rmse / mean)
    return scans, tumors


def small(scans: int = 12, datasets: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a study of three annotators, its scans dealt to the datasets in turn."""
    names = [f"Dataset {at % datasets + 1}" for at in range(scans)]
    keys = {"dataset": names, "mouse": [f"M{at:02d}" for at in range(scans)], "volume_cm3": np.linspace(0.05, 1, scans)}
    return study(pd.DataFrame(keys))


def whole(annotators: tuple[str, ...] = ABC) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a study with the keys and volumes of the 452 published scans."""
    keys = published.catalogue().assign(volume_cm3=lambda scans: scans["staple_volume_mm3"] / 1000)
    return study(keys[["dataset", "mouse", "time", "volume_cm3"]], annotators)


def limits_of(tumors: pd.DataFrame, annotators: tuple[str, ...] = ABC, *, known: bool = True) -> pd.DataFrame:
    """Return a row per pair: the geometric mean and 1.96 standard deviations, the intervals 5 % wide to each side."""
    rows = []
    for a, b in combinations(annotators, 2):
        logs = np.log(tumors[f"volume_cm3_{a}"] / tumors[f"volume_cm3_{b}"])
        low, high = (np.exp(logs.mean() + side * 1.96 * logs.std()) for side in (-1, 1))
        values = [np.exp(logs.mean()), low, high, 0.95 * low, 1.05 * low, 0.95 * high, 1.05 * high]
        rows.append({"a": a, "b": b, **dict(zip(LIMITS, values if known else [np.nan] * 7, strict=True))})
    return pd.DataFrame(rows)


def all_charts(scans: pd.DataFrame, tumors: pd.DataFrame, annotators: tuple[str, ...] = ABC) -> dict[str, str]:
    """Return every chart of a study."""
    trend = pd.DataFrame({"volume_cm3": [0.1, 1.0], "dice": [0.85, 0.95], "abs_percent": [20.0, 5.0]})
    return {
        "dice": dice_chart(scans, annotators),
        "difference": difference_chart(tumors, annotators),
        "rmse": rmse_chart(tumors),
        "limits": limits_chart(tumors, limits_of(tumors, annotators)),
        "size": size_chart(scans, tumors, annotators, trend),
    }


def texts(svg: str) -> list[str]:
    """Return the texts of a picture, in the order drawn."""
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")]


def group(svg: str, gid: str) -> str:
    """Return the inside of one group of a picture; '' if there is none."""
    found = re.search(rf'<g id="{re.escape(gid)}">(.*?)</g>\s*<g id=|<g id="{re.escape(gid)}">(.*)', svg, re.DOTALL)
    return (found[1] or found[2]) if found else ""


def heights(svg: str, gid: str) -> list[float]:
    """Return the heights on the page (points from the top) of the corners of one group's path."""
    path = re.search(r'<path d="([^"]*)" clip-path', group(svg, gid))
    return [float(y) for y in re.findall(r"[ML] [-\d.]+ ([-\d.]+)", path[1])] if path else []


def points(svg: str, gid: str) -> list[float]:
    """Return the heights on the page of the marks of one group."""
    return [float(y) for y in re.findall(r'<use [^>]*y="([-\d.]+)"', group(svg, gid))]


def scale(svg: str) -> tuple[float, float]:
    """Return slope and offset from heights on the page to values of the first vertical axis, from its ticks."""
    axis = svg[svg.index('id="matplotlib.axis_2"') :]
    ticks = re.findall(r'<g id="ytick_\d+">.*?<use [^>]*y="([\d.]+)".*?>([−\d.]+)</text>', axis, re.DOTALL)
    (first, low), (last, high) = ticks[0], ticks[-1] if len(ticks) < 3 else ticks[2]
    slope = (float(high.replace("−", "-")) - float(low.replace("−", "-"))) / (float(last) - float(first))
    return slope, float(low.replace("−", "-")) - slope * float(first)


# Boxes, as the paper defines them


def test_a_box_is_median_quartiles_whiskers_and_outliers() -> None:
    """Of .50 .80 .82 .84 .86 .88 .90: median .84, quartiles .81 and .87, whiskers to .80 and .90, and the dot .50."""
    values = [0.50, 0.80, 0.82, 0.84, 0.86, 0.88, 0.90]
    scans = pd.DataFrame({"dataset": "Dataset 1", "dice_A_B": values})
    svg = dice_chart(scans, ["A", "B"])
    slope, offset = scale(svg)

    def drawn(found: list[float]) -> list[float]:
        return sorted({round(slope * height + offset, 2) for height in found})

    assert drawn(heights(svg, "medians-0-0-0-0")) == [0.84]
    assert drawn(heights(svg, "boxes-0-0-0-0")) == [0.81, 0.87]
    assert drawn(heights(svg, "whiskers-0-0-0-0")) == [0.80, 0.81]
    assert drawn(heights(svg, "whiskers-0-0-0-1")) == [0.87, 0.90]
    assert drawn(points(svg, "fliers-0-0-0-0")) == [0.50]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.3, 1.0), min_size=5, max_size=30))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    """The ends of a box lie at the 25th and 75th percentile, its line at the median, whatever the values."""
    svg = dice_chart(pd.DataFrame({"dataset": "D", "dice_A_B": [0.1, *values, 1.0]}), ["A", "B"])
    slope, offset = scale(svg)
    box, median = heights(svg, "boxes-0-0-0-0"), heights(svg, "medians-0-0-0-0")
    drawn = [slope * height + offset for height in (max(box), median[0], min(box))]
    assert drawn == pytest.approx(np.percentile([0.1, *values, 1.0], [25, 50, 75]), abs=2e-3)


def test_fewer_than_five_values_are_shown_each() -> None:
    """Four scans give four dots and a line, no box, and the picture says so; five give a box."""
    few, five = (dice_chart(small(count, 1)[0], ABC) for count in (4, 5))
    assert len(points(few, "fliers-0-0-0-0")) == 4
    assert len(set(heights(few, "boxes-0-0-0-0"))) == 1
    assert any("each is a dot" in text for text in texts(few))
    assert not any("each is a dot" in text for text in texts(five))


def test_datasets_have_their_n_and_pairs_their_look() -> None:
    """Every dataset has its number of scans below; the legend names three pairs in three colours and hatches."""
    svg = dice_chart(small(15)[0], ABC)
    assert {"A vs. B", "A vs. C", "B vs. C", "n = 8", "n = 7"} <= set(texts(svg))
    assert all(colour in svg for colour in COLOURS[:3])
    assert svg.count("<pattern") == 2  # the first pair has no hatch


def test_pairs_of_different_n_give_a_range_and_a_pair_without_values_is_named() -> None:
    """A scan without C counts for A and B only; where C is nowhere, the legend says it."""
    scans, _ = small(10, 1)
    scans.loc[0, "dice_A_C"] = np.nan
    scans["dice_B_C"] = np.nan
    found = texts(dice_chart(scans, ABC))
    assert "n = 0–10" in found
    assert "B vs. C (no values)" in found


def test_differences_are_the_first_minus_the_second_and_percent_of_the_mean_of_all() -> None:
    """Volumes 1.2, 1.0 and 0.8 differ by 0.2 cm3 (A - B) and 20 % of the mean of 1."""
    row = {"dataset": "D", "volume_cm3_A": 1.2, "volume_cm3_B": 1.0, "volume_cm3_C": 0.8, "volume_cm3_mean": 1.0}
    svg = difference_chart(pd.DataFrame([row]), ABC)
    slope, offset = scale(svg)
    assert slope * points(svg, "fliers-0-0-0-0")[0] + offset == pytest.approx(0.2, abs=2e-3)
    percent = svg[svg.index('id="axes_2"') :]
    slope, offset = scale(percent.replace("matplotlib.axis_4", "matplotlib.axis_2"))
    assert slope * points(percent, "fliers-1-0-0-0")[0] + offset == pytest.approx(20, abs=0.2)


def test_many_annotators_are_compared_with_all_others() -> None:
    """Twelve annotators are 66 pairs: twelve series of all different looks take their place, datasets in rows."""
    names = tuple("ABCDEFGHIJKL")
    keys = pd.DataFrame({"dataset": [f"Dataset {at % 10 + 1}" for at in range(50)], "volume_cm3": 0.5})
    scans, tumors = study(keys, names)
    for svg in (dice_chart(scans, names), difference_chart(tumors, names)):
        assert {f"{name} vs. the others" for name in names} <= set(texts(svg))
        assert "A vs. B" not in texts(svg)
        assert group(svg, "medians-0-3-11-0")  # ten datasets, three a row: the fourth row has the tenth
    assert len(set(zip(2 * COLOURS, HATCHES, strict=True))) == 12


# Limits of agreement


def test_limits_are_lines_with_values_and_bands() -> None:
    """The panel of a pair holds its three values in words, its lines, its bands, and all its tumors."""
    _, tumors = small()
    row = dict(zip(LIMITS, (1.02, 0.8, 1.3, 0.75, 0.85, 1.2, 1.4), strict=True))
    svg = limits_chart(tumors, pd.DataFrame([{"a": "A", "b": "B", **row}]))
    assert {"1.02", "0.80 (0.75–0.85)", "1.30 (1.20–1.40)", "A / B (n = 12)", "0.8", "1", "1.25"} <= set(texts(svg))
    assert len(points(svg, "points")) == 12
    assert all(f'id="{gid}"' in svg for gid in ("ratio", "limit_low", "limit_high", "limit_low_band"))
    low, middle, high = (heights(svg, gid)[0] for gid in ("limit_low", "ratio", "limit_high"))
    assert (low - middle) / (middle - high) == pytest.approx(np.log(1.02 / 0.8) / np.log(1.3 / 1.02), rel=2e-3)


def test_a_missed_tumor_has_no_ratio_and_is_counted() -> None:
    """A volume of 0 leaves the picture and enters the title; an absent annotator (NaN) is not a miss."""
    _, tumors = small()
    tumors.loc[0, "volume_cm3_B"] = 0.0
    tumors.loc[1, "volume_cm3_B"] = np.nan
    found = texts(limits_chart(tumors, limits_of(small()[1])))
    assert {"A / B (n = 10, 1 missed)", "A / C (n = 12)", "B / C (n = 10, 1 missed)"} <= set(found)


def test_without_limits_the_points_stand_alone() -> None:
    """NaN instead of limits: the points are there, and the picture says that there are too few mice."""
    _, tumors = small(3)
    svg = limits_chart(tumors, limits_of(tumors, known=False))
    assert texts(svg).count("too few mice for limits") == 3
    assert 'id="limit_low"' not in svg
    assert len(points(svg, "points")) == 3


def test_of_many_pairs_the_widest_are_shown() -> None:
    """Seven pairs of which the second is the narrowest: that one is left out, and the picture says so."""
    names = tuple("ABCDE")
    _, tumors = study(pd.DataFrame({"dataset": ["Dataset 1"] * 9, "volume_cm3": np.linspace(0.1, 1, 9)}), names)
    limits = limits_of(tumors, names)[:7]
    limits.loc[1, ["limit_low", "limit_high"]] = [0.99, 1.01]
    found = texts(limits_chart(tumors, limits))
    assert sum(text.endswith("(n = 9)") for text in found) == 6
    assert "A / C (n = 9)" not in found
    assert "Shown are the 6 of 7 pairs with the widest limits." in found


# Agreement against volume


def test_the_difference_is_the_mean_log_ratio_over_the_pairs() -> None:
    """Volumes 1, 2 and 4: |log ratio| is log 2, log 4, log 2, in the mean log 2.52, which is 152 %."""
    row = {"dataset": "D", "volume_cm3_A": 1.0, "volume_cm3_B": 2.0, "volume_cm3_C": 4.0, "volume_cm3_mean": 7 / 3}
    tumors = pd.DataFrame([row, row | {"volume_cm3_B": 0.0, "volume_cm3_C": 1.0}])
    scans = pd.DataFrame({"dataset": ["D"], "staple_volume_cm3": [2.0], "dice_mean": [0.9]})
    right = size_chart(scans, tumors, ABC).partition('id="axes_2"')[2].replace("matplotlib.axis_4", "matplotlib.axis_2")
    ticks = re.findall(r'<g id="ytick_\d+">.*?<use [^>]*y="([\d.]+)".*?>(\d+)</text>', right, re.DOTALL)
    zero, hundred = (next(float(y) for y, text in ticks if text == label) for label in ("0", "100"))
    measured = [(zero - height) / (zero - hundred) * np.log(2) for height in points(right, "points-0")]
    assert measured == pytest.approx([4 / 3 * np.log(2), 0.0], abs=0.01)


def test_datasets_differ_by_marker_and_are_named_at_their_means() -> None:
    """Ten datasets have ten markers, a name in the legend, and their own word beside the mean in both panels."""
    scans, tumors = whole()
    svg = size_chart(scans, tumors, ABC)
    assert {f"Dataset {number}" for number in range(1, 11)} <= set(texts(svg))
    for number in range(10):
        assert len(points(svg, f"mean-{number}")) == 1
    assert texts(svg).count("7") == 2
    assert len(set(MARKERS)) == 12
    assert not any("trend" in text for text in texts(svg))


def test_the_trend_is_drawn_where_it_is_given() -> None:
    """One line in each panel."""
    svg = all_charts(*small())["size"]
    assert svg.count('<g id="trend">') == 2


# All charts


@pytest.fixture(scope="module")
def whole_charts() -> dict[str, str]:
    """All charts of 452 scans."""
    return all_charts(*whole())


def test_charts_are_small_and_carry_no_picture(whole_charts: dict[str, str]) -> None:
    """With 452 scans every file stays under 400 kB, drawn in lines and texts."""
    for svg in whole_charts.values():
        assert len(svg.encode()) < 400_000
        assert "<image" not in svg


def test_charts_are_the_same_bytes_each_time() -> None:
    """No date, no chance: two drawings of one study are equal."""
    assert all_charts(*small(6)) == all_charts(*small(6))


@pytest.mark.parametrize("case", ["one scan", "no tumor", "annotator nowhere", "missed by all but one", "odd names"])
def test_charts_bear_bad_input(case: str) -> None:
    """Every chart is drawn and is well-formed, whatever is missing, and no warning escapes."""
    scans, tumors = small(1 if case == "one scan" else 6, datasets=3)
    limits = limits_of(tumors)
    match case:
        case "no tumor":
            tumors, scans["dice_mean"], scans["staple_volume_cm3"] = tumors[:0], np.nan, 0.0
        case "annotator nowhere":
            tumors["volume_cm3_B"], scans["dice_A_B"], scans["dice_B_C"] = np.nan, np.nan, np.nan
            limits.loc[[0, 2], LIMITS] = np.nan
        case "missed by all but one":
            tumors[["volume_cm3_B", "volume_cm3_C"]] = 0.0
        case "odd names":
            scans, tumors = scans.replace(ODD_NAMES), tumors.replace(ODD_NAMES)
    drawn = [dice_chart(scans, ABC), difference_chart(tumors, ABC), rmse_chart(tumors), limits_chart(tumors, limits)]
    for svg in (*drawn, size_chart(scans, tumors, ABC)):
        page = for_page(svg, prefix="x", title="a & b", description="<none>")
        assert texts(svg) == texts(page.replace("<svg ", '<svg xmlns="x" ', 1))


def test_names_stay_text() -> None:
    """Markup, mathematics and letters that the font lacks stand in the picture as they are, and are escaped."""
    scans, tumors = (table.replace(ODD_NAMES) for table in small(12, 3))
    svg = size_chart(scans, tumors, ABC)
    assert {"<b>bold</b> & $x_1$", "データセット", "a\ufffdbell and a break"} <= set(texts(svg))
    assert "<b>" not in svg


def test_real_masks_are_drawn_from_the_tables_of_agree(shared_data: Path, tmp_path: Path) -> None:
    """The charts read the files of agree as they are: 20 scans of 4 annotators, six pairs."""
    folder = agree(read_study(shared_data / "lidc_study", out=tmp_path)).result
    assert folder is not None
    scans, tumors = (pd.read_csv(folder / name) for name in ("scans.csv", "tumors.csv"))
    found = {name: texts(svg) for name, svg in all_charts(scans, tumors, ("A", "B", "C", "D")).items()}
    assert {"C vs. D", "n = 20"} <= set(found["dice"])
    assert found["limits"].count("Ratio of volumes") == 6
    assert found["size"].count("Dataset 1") == 3  # the legend, and beside two means


# On a page


def test_the_page_form_takes_ink_and_ground_from_the_page(whole_charts: dict[str, str]) -> None:
    """No black, no white that stays white, no prolog, no style for the whole page; a size that follows its box."""
    for svg in whole_charts.values():
        page = for_page(svg, prefix="fig", title="Dice", description="What it shows")
        assert page.startswith("<svg ")
        assert "#000000" not in page
        assert not re.search(r"(?<!--paper, )#ffffff", page)
        assert "currentColor" in page
        assert "<style" not in page
        assert "DejaVu" not in page
        assert re.search(r'viewBox="0 0 [\d.]+ [\d.]+" width="100%" role="img"', page)
        assert "xlink" not in page


def test_the_page_form_has_a_title_and_words() -> None:
    """Alt texts are escaped, and named by the picture."""
    page = for_page(rmse_chart(small()[1]), prefix="c", title="RMSE < 1 & more", description="Boxes")
    root = ElementTree.fromstring(page.replace("<svg ", '<svg xmlns="x" ', 1))
    labels = str(root.get("aria-labelledby")).split()
    named = {node.get("id"): node.text for node in root}
    assert [named[label] for label in labels] == ["RMSE < 1 & more", "Boxes"]


def test_ids_are_unique_on_a_page_of_several_charts(whole_charts: dict[str, str]) -> None:
    """No id comes twice among all charts, even twice the same, and every reference finds its id."""
    charts = [*whole_charts.values(), whole_charts["dice"]]
    page = "".join(for_page(svg, prefix=f"c{at}", title="t", description="d") for at, svg in enumerate(charts))
    ids = re.findall(r' id="([^"]+)"', page)
    used = set(re.findall(r'(?:url\(|href=")#([\w.-]+)', page))
    assert len(ids) == len(set(ids))
    assert used <= set(ids)
    assert len(used) > 10


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["#ffffff", "#fcfcfa", "#16181b", "#1c1d1f", "#e7e7e4"])
def test_colours_stand_out_from_paper_and_ink(ground: str) -> None:
    """At least 3 to 1 (WCAG, for graphics) from the paper and ink of the page, light and dark."""
    for colour in COLOURS:
        dark, light = sorted((luminance(colour), luminance(ground)))
        assert (light + 0.05) / (dark + 0.05) >= 3


# Texts


def test_names_fold_between_words_the_same_way_all() -> None:
    """Where one name is too long, all break after the same word; what is too much gets an ellipsis."""
    assert folded(["Dataset 1", "Dataset 10"], 200) == [["Dataset 1"], ["Dataset 10"]]
    assert folded(["Dataset 1", "Dataset 10"], 48) == [["Dataset", "1"], ["Dataset", "10"]]
    assert folded(["one two three four five"], 20)[0][-1].endswith("…")


def test_short_names_leave_out_what_all_share() -> None:
    """A name alone stays whole, and no name becomes empty."""
    assert short_names(["Dataset 1", "Dataset 10"]) == ["1", "10"]
    assert short_names(["Dataset 1"]) == ["Dataset 1"]
    assert short_names(["mice", "mice old"]) == ["mice", "mice old"]


@given(st.lists(st.tuples(st.floats(40, 160), st.floats(40, 160)), min_size=1, max_size=6))
def test_a_text_lies_beside_its_point_and_inside(found: list[tuple[float, float]]) -> None:
    """No text covers its own point; with room on all sides it stays inside the area."""
    places = np.array(found)
    offsets = free_places(places, ["1"] * len(places), np.array([(0.0, 0.0), (200.0, 200.0)]))
    assert (np.abs(offsets).max(axis=1) > 5).all()
    assert ((places + offsets > 0) & (places + offsets < 200)).all()
