from base64 import b64decode

from murinoma.pages.downloads import Download, carried


def test_an_address_holds_the_content_and_its_kind() -> None:
    """A table is text/csv, and what follows the comma is its bytes."""
    file = Download("Table 1", "table1.csv", "table1.csv", 5, "a,ä\n".encode())
    head, _, content = file.address.partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    assert b64decode(content).decode("utf-8") == "a,ä\n"


def test_the_page_carries_what_fits_in_order() -> None:
    """Of 60, 50 and 40 bytes into 100 the first and the last fit; the second is named only."""
    found = carried([("t", f"{size}.csv", f"{size}.csv", bytes(size)) for size in (60, 50, 40)], 100)
    assert [bool(file.address) for file in found] == [True, False, True]
    assert [file.size_bytes for file in found] == [60, 50, 40]


def test_sizes_are_said_in_kilobytes_and_megabytes() -> None:
    """Nothing is 0 kB."""
    assert [Download("t", "t.csv", "t.csv", size).size for size in (1, 12_345, 2_340_000)] == [
        "1 kB",
        "12 kB",
        "2.3 MB",
    ]
