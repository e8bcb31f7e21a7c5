"""The report in a browser: the audit axe-core finds nothing serious or critical in it."""

import base64
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from murinoma import flow
from murinoma.settings import PhantomDataset, RunSettings, SimulateSettings
from murinoma.steps.evaluate import evaluate
from murinoma.steps.report import report
from murinoma.steps.review import review
from murinoma.steps.simulate import simulate
from murinoma.study import read_study

SMALL = SimulateSettings(
    spacing_mm=0.63,
    datasets=(
        PhantomDataset(2, ("0d",), 1, median_mm3=400.0, log_sd=0.3, growth_per_day=0.05),
        PhantomDataset(2, ("0d",), 2, median_mm3=200.0, log_sd=0.3, growth_per_day=0.02),
    ),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
DARK = "(prefers-color-scheme: dark)"
AUDIT = """
axe.run(document, {resultTypes: ["violations"]}).then(found => JSON.stringify(found.violations.map(
  rule => [rule.impact, rule.id, rule.nodes.map(node => node.html.slice(0, 200))])), error => "" + error
).then(text => { document.documentElement.innerHTML =
  "<body><pre>" + btoa(unescape(encodeURIComponent(text))) + "</pre></body>" });
"""


@pytest.fixture(scope="module")
def browser() -> str:
    """Return a Chromium; without one the tests are skipped."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the report of a small phantom study after the whole flow, with evaluations and growth."""
    root = tmp_path_factory.mktemp("audit") / "study"
    simulate(root, settings=SMALL)
    study = read_study(root)
    for _ in flow.analyse(study, RunSettings(), lambda step: None):
        pass
    for source in ("truth", "B"):
        evaluate(study, source)
    review(study)
    path = report(study).result
    assert path is not None
    return path.read_text(encoding="utf-8")


def violations(page: str, browser: str, folder: Path) -> list[list[Any]]:
    """Return what axe finds in a page, as impact, rule and elements; folded parts are opened first."""
    script = (
        files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    )
    audited = page.replace("<details>", "<details open>").replace("</body>", f"<script>{script}{AUDIT}</script></body>")
    copy = folder / "audited.html"
    copy.write_text(audited, encoding="utf-8")
    command = [browser, *OPTIONS, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000", "--dump-dom"]
    done = subprocess.run([*command, copy.as_uri()], capture_output=True, text=True, timeout=300, check=False)
    answer = re.search(r"<pre>([\w+/=]+)</pre>", done.stdout)
    assert answer is not None, done.stdout[:300] + done.stderr[-2000:]
    found: list[list[Any]] = json.loads(base64.b64decode(answer[1]))
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_has_no_serious_finding(scheme: str, page: str, browser: str, tmp_path: Path) -> None:
    """Neither a serious nor a critical finding, whether the reader's system is light or dark."""
    assert page.count(DARK) >= 1
    shown = page.replace(DARK, "all" if scheme == "dark" else "not all")
    grave = [rule for rule in violations(shown, browser, tmp_path) if rule[0] in ("serious", "critical")]
    assert grave == []


def test_the_audit_finds_what_is_wrong(browser: str, tmp_path: Path) -> None:
    """An image without words and grey letters on grey ground are found: the audit is alive."""
    bad = '<!DOCTYPE html><html lang="en"><title>x</title><body style="background:#999"><main><h1 style="color:#888">'
    bad += 'grey letters</h1><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main></body></html>'
    assert {"image-alt", "color-contrast"} <= {rule for _, rule, _ in violations(bad, browser, tmp_path)}
