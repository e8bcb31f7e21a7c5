"""Tables as CSV: round trips, and the table that several steps share; and tables as a workbook."""

import re
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import FileError
from murinoma.files.tables import read_table, replace_sources, sheet_names, write_table, write_workbook


def rows(source: object, mouse: str = "M01", volume: float = 1.0, time: str = "0d") -> pd.DataFrame:
    """Return one row of ``volumes.csv``."""
    row = {"dataset": "Dataset 1", "mouse": mouse, "time": time, "hours": 0.0, "source": source, "tumor": None}
    return pd.DataFrame([{**row, "volume_mm3": volume}])


def test_a_table_has_unix_lines_nine_digits_and_empty_gaps(tmp_path: Path) -> None:
    """The bytes of a small table, by hand."""
    write_table(pd.DataFrame({"mouse": ["M01", 'M"é'], "v_mm3": [1 / 3, np.nan]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == 'mouse,v_mm3\nM01,0.333333333\n"M""é",\n'.encode()


def test_a_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """A byte order mark in front does not hide the first column."""
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfdataset,mouse\r\nDataset 1,M01\r\n")
    assert list(read_table(tmp_path / "t.csv", ("dataset", "mouse"))["mouse"]) == ["M01"]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b'a,b\n"1,2\n3,4,5,6\n'])
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty, binary or torn file: one sentence with the file."""
    if content is not None:
        (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(FileError, match=r"t\.csv"):
        read_table(tmp_path / "t.csv", ("a", "c"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """The error says which column is absent."""
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(FileError, match=r"t\.csv lacks the columns c"):
        read_table(tmp_path / "t.csv", ("a", "c"))


def test_names_that_look_like_numbers_or_gaps_stay_names(tmp_path: Path) -> None:
    """Mice called 01, 1e5, NA and None keep their names through a file."""
    names = ["01", "1e5", "NA", "None", "1_0"]
    write_table(pd.concat([rows("A", name) for name in names]), tmp_path / "t.csv")
    assert list(read_table(tmp_path / "t.csv")["mouse"]) == names


def test_a_source_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    """New rows of A take the place of the old ones; those of staple are kept; the file is sorted by source."""
    path = tmp_path / "volumes.csv"
    replace_sources(rows("staple", volume=5), path, ["staple"])
    replace_sources(rows("A", volume=1), path, ["A"])
    replace_sources(rows("A", volume=2), path, ["A"])
    table = read_table(path)
    assert list(table["source"]) == ["A", "staple"]
    assert list(table["volume_mm3"]) == [2, 5]


@pytest.mark.parametrize("name", ["1", "007", "NA", "nan"])
def test_annotators_with_any_name_are_replaced_and_kept(tmp_path: Path, name: str) -> None:
    """An annotator called 1, 007 or NA is found again in the file, and stays when another source is written."""
    path = tmp_path / "volumes.csv"
    for source, volume in ((name, 1.0), (name, 2.0), ("9", 3.0), ("staple", 4.0)):
        replace_sources(rows(source, volume=volume), path, [source])
    lines = path.read_text().splitlines()[1:]
    assert sorted(line.split(",")[4] for line in lines) == sorted([name, "9", "staple"])


def test_keys_of_other_sources_are_not_rewritten(tmp_path: Path) -> None:
    """The mouse 01 of source staple is still 01 after source A was written."""
    path = tmp_path / "volumes.csv"
    replace_sources(rows("staple", mouse="01"), path, ["staple"])
    replace_sources(rows("A", mouse="01"), path, ["A"])
    assert [line.split(",")[1] for line in path.read_text().splitlines()[1:]] == ["01", "01"]


def test_the_order_of_the_steps_does_not_show(tmp_path: Path) -> None:
    """Writing A then staple, or staple then A, or A twice, gives the same bytes."""
    contents = set()
    for number, order in enumerate((["A", "staple"], ["staple", "A"], ["A", "staple", "A"])):
        path = tmp_path / f"{number}.csv"
        for source in order:
            replace_sources(rows(source, volume=1 / 3), path, [source])
        contents.add(path.read_bytes())
    assert len(contents) == 1


def sheet_cells(path: Path, number: int = 1) -> dict[str, tuple[str | None, str]]:
    """Return the cells of one sheet of a workbook as place -> (kind, text), read as XML, not by a library."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with ZipFile(path) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(part.itertext()) for part in shared.iterfind("m:si", space)]
        sheet = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    assert sheet.find(".//m:f", space) is None  # no cell is a formula
    cells = {}
    for cell in sheet.iterfind(".//m:c", space):
        value = cell.findtext("m:v", "", space)
        kind = cell.get("t")
        cells[cell.get("r", "")] = (kind, texts[int(value)] if kind == "s" else value)
    return cells


def test_a_workbook_has_a_sheet_per_table_with_numbers_and_texts(tmp_path: Path) -> None:
    """Numbers are numbers, texts are texts, a missing value is no cell; the head stays in place when one scrolls."""
    path = tmp_path / "tables.xlsx"
    table = pd.DataFrame({"mouse": ["M01", None], "volume_cm3": [0.123456789123, np.nan], "n": [3, 4]})
    write_workbook({"Every scan": table, "Empty": table.iloc[:0]}, path)
    assert sheet_cells(path) == {
        "A1": ("s", "mouse"),
        "B1": ("s", "volume_cm3"),
        "C1": ("s", "n"),
        "A2": ("s", "M01"),
        "B2": (None, "0.123456789"),
        "C2": (None, "3"),
        "C3": (None, "4"),
    }
    with ZipFile(path) as book:
        names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode("utf-8"))
        first = book.read("xl/worksheets/sheet1.xml").decode("utf-8")
    assert names == ["Every scan", "Empty"]
    assert 'ySplit="1"' in first
    assert 'state="frozen"' in first


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "http://x.y", "12", "<b>"])
def test_no_text_of_a_workbook_becomes_anything_else(tmp_path: Path, text: str) -> None:
    """A name that begins like a formula, an address or a number stays the text that it is, also as a head."""
    write_workbook({"t": pd.DataFrame({text: [text]})}, tmp_path / "t.xlsx")
    assert sheet_cells(tmp_path / "t.xlsx") == {"A1": ("s", text), "A2": ("s", text)}


def test_a_workbook_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """No date of today is in it; infinite numbers are texts, and very long texts are cut."""
    table = pd.DataFrame({"x": [np.inf, 1.0], "y": ["a" * 40_000, "b"]})
    for name in ("first", "second"):
        write_workbook({"t": table}, tmp_path / f"{name}.xlsx")
    assert (tmp_path / "first.xlsx").read_bytes() == (tmp_path / "second.xlsx").read_bytes()
    cells = sheet_cells(tmp_path / "first.xlsx")
    assert cells["A2"] == ("s", "inf")
    assert len(cells["B2"][1]) == 32_767
    with ZipFile(tmp_path / "first.xlsx") as book:
        assert b"2000-01-01T00:00:00Z" in book.read("docProps/core.xml")


@given(st.lists(st.text(max_size=50), max_size=8))
def test_names_of_sheets_are_short_different_and_allowed(names: list[str]) -> None:
    """Whatever the tables are called, Excel takes the names: 1 to 31 letters, none twice, no forbidden sign."""
    found = sheet_names(names)
    assert len({name.lower() for name in found}) == len(names)
    assert all(1 <= len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in found)
    assert all(name.lower() != "history" and name.strip("'") == name for name in found)
