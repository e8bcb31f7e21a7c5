"""A hundredth of evidence/annotation_kills.py: kills at random moments, three annotators at once."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "evidence" / "annotation_kills.py"


def test_killed_processes_and_annotators_at_once_lose_nothing(tmp_path: Path) -> None:
    """Three kills and three annotators for two seconds: nothing is lost, damaged or crossed."""
    page = tmp_path / "page.md"
    order = [sys.executable, str(SCRIPT), "--kills", "3", "--minutes", "0.03", "--page", str(page)]
    done = subprocess.run(order, capture_output=True, text=True, check=False)
    text = page.read_text(encoding="utf-8") if page.exists() else done.stderr
    assert done.returncode == 0, text
    assert "| processes killed | 3 |" in text
    assert "| lost, damaged or crossed | **0** |" in text
    assert "Lost, damaged or crossed: **0**" in text
