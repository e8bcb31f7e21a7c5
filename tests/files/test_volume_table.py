"""Tables of volumes from elsewhere: which columns mean what, units, calipers, and rows that cannot be used."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import FileError, UsageError
from murinoma.files.volume_columns import FORMULAS, NOTHING_TOLD, Told, understand
from murinoma.files.volume_table import VolumeTable, burdens, read_volume_table


def table_of(folder: Path, text: str, told: Told = NOTHING_TOLD) -> VolumeTable:
    """Read a CSV with this text."""
    path = folder / "volumes.csv"
    path.write_text(text, encoding="utf-8")
    return read_volume_table(path, told)


def volumes_of(folder: Path, text: str, told: Told = NOTHING_TOLD) -> list[float]:
    """Return the volumes that are read from a CSV, mm3."""
    return [float(volume) for volume in table_of(folder, text, told).rows["volume_mm3"]]


def test_one_row_by_hand(tmp_path: Path) -> None:
    """A mouse on day 8 with 0.25 cm3: the dataset's name is written out, hours are 192, mm3 are 250."""
    read = table_of(tmp_path, "dataset,mouse,time,volume_cm3\n2,M01,8d,0.25\n")
    (row,) = read.rows.to_dict("records")
    assert (row["dataset"], row["mouse"], row["time"], row["hours"]) == ("Dataset 2", "M01", "8d", 192.0)
    assert row["volume_mm3"] == 250.0
    assert (read.how, read.left_out) == ("the column volume_cm3", ())


@pytest.mark.parametrize(
    ("head", "worth"),
    [
        ("volume_mm3", 1.0),
        ("Tumor volume (mm³)", 1.0),
        ("volume [uL]", 1.0),
        ("tumor volume µL", 1.0),
        ("volume_mL", 1000.0),
        ("volume_cm3_mean", 1000.0),
        ("burden cc", 1000.0),
    ],
)
def test_the_unit_is_in_the_name(head: str, worth: float, tmp_path: Path) -> None:
    """Names as people write them."""
    assert volumes_of(tmp_path, f"mouse,day,{head}\nM01,0,0.2\n") == pytest.approx([0.2 * worth])


@pytest.mark.parametrize(
    ("head", "cell", "hours"),
    [
        ("day", "8", 192),
        ("days", "0.5", 12),
        ("hours", "22.5", 22.5),
        ("time (days)", "3", 72),
        ("time", "22.5h", 22.5),
        ("time_point", "8d", 192),
        ("week", "2", 336),
    ],
)
def test_times_as_people_write_them(head: str, cell: str, hours: float, tmp_path: Path) -> None:
    """Days, hours, weeks, or labels."""
    read = table_of(tmp_path, f"mouse,{head},volume_mm3\nM01,{cell},100\n")
    assert read.rows["hours"].tolist() == [hours]


def test_calipers_by_hand(tmp_path: Path) -> None:
    """10 x 8 mm: pi/6 x 10 x 64 = 335.1; with a height of 6 mm pi/6 x 480 = 251.3; half of 640 = 320."""
    flat = "mouse,day,length_mm,width_mm\nM01,0,10,8\nM02,0,8,10\n"
    assert volumes_of(tmp_path, flat) == pytest.approx([math.pi / 6 * 640] * 2)
    assert volumes_of(tmp_path, flat, Told(formula="1/2 L W^2")) == pytest.approx([320.0] * 2)
    high = "mouse,day,length_mm,width_mm,height_mm\nM01,0,10,8,6\n"
    assert volumes_of(tmp_path, high) == pytest.approx([math.pi / 6 * 480])
    assert volumes_of(tmp_path, high, Told(formula="pi/6 L W^2")) == pytest.approx([math.pi / 6 * 640])
    assert "pi/6 L W H of the columns length_mm, width_mm and height_mm" in table_of(tmp_path, high).how


def test_centimetres_give_the_same_volume_as_millimetres(tmp_path: Path) -> None:
    """1.0 x 0.8 cm is 10 x 8 mm."""
    cm = volumes_of(tmp_path, "mouse,day,length_cm,width_cm\nM01,0,1.0,0.8\n")
    assert cm == pytest.approx(volumes_of(tmp_path, "mouse,day,length_mm,width_mm\nM01,0,10,8\n"))


@given(side=st.floats(0.5, 30), other=st.floats(0.5, 30), formula=st.sampled_from(["pi/6 L W^2", "1/2 L W^2"]))
def test_the_order_of_calipers_does_not_matter(
    side: float, other: float, formula: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Length and width may be exchanged; the volume is never above that of the longer side's sphere."""
    folder = tmp_path_factory.mktemp("calipers")
    text = f"mouse,day,length_mm,width_mm\nM01,0,{side},{other}\nM02,0,{other},{side}\n"
    first, second = volumes_of(folder, text, Told(formula=formula))
    assert first == second
    assert first <= FORMULAS[formula] * max(side, other) ** 3 * (1 + 1e-12)


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    """As a spreadsheet writes it where the decimal sign is a comma."""
    assert volumes_of(tmp_path, "mouse;day;volume_mm3\nM01;0;100,5\n") == [100.5]


def test_a_bad_row_does_not_stop_the_others(tmp_path: Path) -> None:
    """No number, negative, no mouse, no time, twice: each is one sentence with its line; one row is left."""
    rows = ["M01,0d,100", "M02,0d,n/a", "M03,0d,-5", ",0d,50", "M04,soon,50", "M05,0d,10", "M05,0d,12"]
    read = table_of(tmp_path, "\n".join(["mouse,time,volume_mm3", *rows]))
    assert read.rows["mouse"].tolist() == ["M01"]
    said = [sentence for *_, sentence in read.left_out]
    for line, what in ((3, "no usable volume"), (4, "no usable volume"), (5, "names no mouse"), (6, "no usable time")):
        assert any(f"line {line} " in one and what in one for one in said), said
    assert any("has this row twice" in one for one in said)


def test_a_volume_of_0_is_a_volume(tmp_path: Path) -> None:
    """Looked for and not seen."""
    assert volumes_of(tmp_path, "mouse,day,volume_mm3\nM01,0,0\n") == [0.0]


@pytest.mark.parametrize(
    ("text", "told", "error", "sentence"),
    [
        ("day,volume_mm3\n0,1\n", Told(), FileError, "no column of mice"),
        ("mouse,volume_mm3\nM01,1\n", Told(), FileError, "says no time"),
        ("mouse,day\nM01,1\n", Told(), FileError, "no column of volumes"),
        ("mouse,day,volume\nM01,0,1\n", Told(), FileError, "does not say the unit"),
        ("mouse,day,volume_mm3,volume_cm3\nM01,0,1,1\n", Told(), FileError, "choose one with --column"),
        ("mouse,day,volume_mm3\nM01,0,1\n", Told(unit="ounce"), UsageError, "no volume is measured in 'ounce'"),
        ("mouse,day,volume_mm3\nM01,0,1\n", Told(column="size"), UsageError, "no column 'size'"),
        ("mouse,day,length_mm,width_mm\nM01,0,1,1\n", Told(formula="V"), UsageError, "no formula is called 'V'"),
        ("mouse,day,length_mm,width_mm\nM01,0,1,1\n", Told(formula="pi/6 L W H"), FileError, "height_mm"),
        ("mouse,day,length,width\nM01,0,1,1\n", Told(), FileError, "length_mm and width_mm"),
    ],
)
def test_what_is_refused(text: str, told: Told, error: type[Exception], sentence: str, tmp_path: Path) -> None:
    """One sentence that says what to write."""
    with pytest.raises(error, match=sentence):
        table_of(tmp_path, text, told)


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    """Both are one sentence."""
    with pytest.raises(FileError, match="cannot read the volumes"):
        read_volume_table(tmp_path / "no.csv")
    (tmp_path / "photo.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FileError, match="must be a CSV in UTF-8"):
        read_volume_table(tmp_path / "photo.csv")


def test_said_units_and_columns_count(tmp_path: Path) -> None:
    """--column and --unit win over names; the interval belongs to the same column."""
    text = "mouse,day,volume,size\nM01,0,1,0.3\n"
    assert volumes_of(tmp_path, text, Told(column="size", unit="mL")) == [300.0]
    text = "mouse,day,volume_low_mm3,volume_mm3,volume_high_mm3\nM01,0,90,100,110\n"
    (row,) = table_of(tmp_path, text).rows.to_dict("records")
    assert (row["volume_low_mm3"], row["volume_high_mm3"]) == (90.0, 110.0)


def test_tumors_may_have_names(tmp_path: Path) -> None:
    """Left and right become 1 and 2, and it is said; an empty cell is all of the mouse."""
    rows = ["M01,0d,left,30", "M01,0d,right,70", "M02,0d,,95"]
    read = table_of(tmp_path, "\n".join(["mouse,time,tumor,volume_mm3", *rows]))
    assert read.rows["tumor"].fillna(0).tolist() == [1, 2, 0]
    assert read.how == "the column volume_mm3 (tumors: left = 1, right = 2)"


def test_burdens_by_hand(tmp_path: Path) -> None:
    """Tumors are added; where the source says the whole, that counts and nothing is counted twice."""
    rows = ["M01,0d,1,30", "M01,0d,2,70", "M02,0d,,95", "M02,0d,1,40", "M02,0d,2,50"]
    read = table_of(tmp_path, "\n".join(["mouse,time,tumor,volume_mm3", *rows]))
    found = burdens(read.rows).set_index("mouse")["volume_mm3"].to_dict()
    assert found == {"M02": 95.0, "M01": 100.0}


def test_the_published_catalogue() -> None:
    """Its own format is read as it is: 452 scans of 223 mice, no row lost."""
    path = Path(__file__).parents[2] / "src" / "murinoma" / "published" / "scans.csv"
    read = read_volume_table(path)
    assert len(read.rows) == 452
    assert len(read.rows.drop_duplicates(["dataset", "mouse"])) == 223
    assert read.how == "the column staple_volume_mm3"
    assert not read.left_out


def test_a_name_with_several_words_is_understood() -> None:
    """The group of the catalogue is the folder of the acquisition."""
    columns = understand(["dataset", "mouse", "time_point", "group_folder", "staple_volume_mm3"], Told(), "x.csv")
    assert columns.texts["group"] == "group_folder"
    assert columns.volume is not None
    assert columns.volume.name == "staple_volume_mm3"
