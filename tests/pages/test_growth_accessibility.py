"""The growth page in a browser: the audit axe-core finds nothing serious or critical in it, light and dark."""

import re
from pathlib import Path

import pytest

from murinoma.pages.growth_page import growth_charts, render_growth
from tests.pages.growth_study import content
from tests.pages.test_accessibility import DARK, browser, violations

__all__ = ["browser"]  # the fixture


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_growth_page_has_no_serious_finding(scheme: str, browser: str, tmp_path: Path) -> None:
    """Neither a serious nor a critical finding; the page's own policy is taken out, or the audit could not run."""
    shown = content()
    page = render_growth(shown, growth_charts(shown))
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert open_page != page
    coloured = open_page.replace(DARK, "all" if scheme == "dark" else "not all")
    grave = [rule for rule in violations(coloured, browser, tmp_path) if rule[0] in ("serious", "critical")]
    assert grave == []
