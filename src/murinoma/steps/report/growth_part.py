"""What growth has written, as a section of the page."""

import os

from murinoma.files.tables import read_table
from murinoma.pages.growth_section import growth_section
from murinoma.pages.sections import Section
from murinoma.study import Study
from murinoma.study.growth_paths import growth_folder


def growth_part(study: Study) -> Section | None:
    """Return the section about growth, with a link to its own page; nothing before growth has run.

    Raises
    ------
    FileError
        If a table is damaged.
    """
    folder = growth_folder(study)
    tables = {path.stem: read_table(path) for path in sorted(folder.glob("*.csv"))}
    if not tables:
        return None
    page = os.path.relpath(folder / "index.html", study.step_folder("report"))
    return growth_section(tables, page=page.replace(os.sep, "/"))
