"""The documents: every command in them exists, the tutorial prints what it says, tables have the columns it names."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import typer

from murinoma.ui import cli

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
TUTORIAL = DOCS / "tutorial.md"
CONSOLE = runpy.run_path(str(DOCS / "console.py"))
LIKE = 0.001  # numbers may differ by this share from machine to machine
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
R_COLUMN = re.compile(r"\b(scans|volumes|burden)\$(\w+)")
R_MADE = {"id"}  # columns that the R code makes itself
FORMULA = re.compile(r"(\w+) ~ (\w+(?: \+ \w+)*), data = (scans|burden)")


class Ran(NamedTuple):
    """A checked command of the tutorial: what the page says that it prints, and what it printed."""

    command: str
    said: str
    printed: str


def commands_in(page: Path) -> Iterator[str]:
    """Yield every line of a fenced block that calls murinoma."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.removeprefix("$ ")
            if command.startswith("murinoma "):
                yield command


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Ran]]:
    """Return the folder in which the tutorial's checked commands were run, and what they printed."""
    folder = tmp_path_factory.mktemp("clone")
    checked = [call for call in CONSOLE["calls"](TUTORIAL.read_text(encoding="utf-8")) if call.checked]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    return folder, [
        Ran(call.command, call.printed, CONSOLE["run"](call.command, folder, environment)) for call in checked
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if any(commands_in(page))], ids=lambda page: page.name)
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    """Each line is understood by the command line as it is written."""
    group: Any = typer.main.get_command(cli.app)
    for command in commands_in(page):
        name, *words = shlex.split(command)[1:]
        assert name in group.commands, f"{page.name}: {command}"
        group.commands[name].make_context(name, words)


def test_every_other_command_of_the_tutorial_exists() -> None:
    """A target of the Makefile, or a program that every Unix has."""
    targets = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for call in CONSOLE["calls"](TUTORIAL.read_text(encoding="utf-8")):
        name, *words = shlex.split(call.command.replace("\\\n", " "))
        if name == "make":
            assert set(words) <= set(targets)
        elif name not in ("murinoma", "python", "source"):
            assert shutil.which(name), call.command


def test_the_tutorial_prints_what_it_says(ran: tuple[Path, list[Ran]]) -> None:
    """Word for word, and numbers up to a last digit; where this fails because a step says more, run `make pictures`."""
    assert len(ran[1]) >= 8
    for one in ran[1]:
        assert NUMBER.sub("#", one.printed) == NUMBER.sub("#", one.said), one.command
        numbers = [float(number) for number in NUMBER.findall(one.printed)]
        assert numbers == pytest.approx([float(number) for number in NUMBER.findall(one.said)], rel=LIKE), one.command


def test_the_columns_that_the_r_code_names_are_there(ran: tuple[Path, list[Ran]]) -> None:
    """`scans$dice_mean`, `dice_mean ~ dataset` and the like name columns of the tables that the code reads."""
    derivatives = ran[0] / "demo" / "coarse" / "derivatives"
    files = {"scans": "agreement/scans.csv", "volumes": "volumes.csv", "burden": "volumes.csv"}
    columns = {name: set(pd.read_csv(derivatives / file).columns) | R_MADE for name, file in files.items()}
    code = "".join(re.findall(r"```r\n(.*?)```", guide("r_and_prism"), re.DOTALL))
    named = [*R_COLUMN.findall(code)]
    for left, right, table in FORMULA.findall(code):
        named += [(table, column) for column in (left, *right.split(" + "))]
    assert len(named) >= 8
    assert [(table, column) for table, column in named if column not in columns[table]] == []


def test_the_table_for_prism_has_a_column_per_mouse(ran: tuple[Path, list[Ran]], tmp_path: Path) -> None:
    """The guide's own code makes it: one row per day, the volumes of the consensus."""
    study = ran[0] / "demo" / "coarse"
    merged = subprocess.run(
        [sys.executable, "-c", "from murinoma.ui.cli import main; main()", "merge", str(study), "--workers", "1"],
        capture_output=True,
    )
    assert merged.returncode == 0
    (code,) = re.findall(r"```python\n(.*?)```", guide("r_and_prism"), re.DOTALL)
    assert "demo/study" in code
    script = code.replace("demo/study", str(study))
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    wide = pd.read_csv(tmp_path / "Dataset 1 for Prism.csv", index_col="days")
    assert list(wide.columns) == ["M01", "M02", "M03", "M04"]
    assert list(wide.index) == [0.0, 8.0]
    volumes = pd.read_csv(study / "derivatives" / "volumes.csv").query("source == 'staple' and tumor.isna()")
    one = volumes.query("dataset == 'Dataset 1' and mouse == 'M03' and time == '8d'")
    assert wide["M03"].to_dict()[8.0] == pytest.approx(one["volume_mm3"].item())


def test_every_picture_of_the_documents_is_small_and_told_in_words() -> None:
    """Under 150 kB, and with an alternative text."""
    shown = [
        (page, text, page.parent / target)
        for page in PAGES
        for text, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert {path.name for *_, path in shown} >= {"tutorial_sheet.png", "tutorial_difference.png", "tutorial_report.png"}
    for page, text, path in shown:
        assert text.strip(), f"{page.name} shows {path.name} without a word"
    for path in (DOCS / "pictures").iterdir():
        assert path.stat().st_size < 150_000, path.name


def test_every_decision_stands_in_the_list() -> None:
    """The list of decisions names each page once."""
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (DOCS / "decisions" / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))


def test_the_pages_build_without_a_warning_and_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Every link and every docstring is understood; fonts, styles and scripts are the site's own."""
    pytest.importorskip("sphinx", reason="the pages are built by the extra docs: pip install 'murinoma[docs]'")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    built = subprocess.run(
        [*command, "-d", str(tmp_path / "pages"), str(DOCS), str(tmp_path / "html")], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "html").rglob("*.html")]
    assert len(pages) >= len(PAGES)
    elsewhere = r"""<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=["'](?:https?:)?//"""
    assert [found for page in pages for found in re.findall(elsewhere, page)] == []
    styles = [path.read_text(encoding="utf-8") for path in (tmp_path / "html").rglob("*.css")]
    assert [found for style in styles for found in re.findall(r"url\([\"']?(?:https?:)?//", style)] == []


def guide(name: str) -> str:
    """Return the text of a how-to guide."""
    return (DOCS / "how-to" / f"{name}.md").read_text(encoding="utf-8")
