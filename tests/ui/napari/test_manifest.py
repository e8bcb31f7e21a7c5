"""What napari finds of murinoma: a valid manifest with one widget that exists."""

import tomllib
from pathlib import Path

import pytest

npe2 = pytest.importorskip("npe2", reason="the extra napari is not installed")

ROOT = Path(__file__).parents[3]


def test_the_manifest_is_valid_and_its_widget_exists() -> None:
    """`npe2 validate`, with imports."""
    manifest = npe2.PluginManifest.from_file(ROOT / "src" / "murinoma" / "ui" / "napari" / "napari.yaml")
    manifest.validate_imports()
    (widget,) = manifest.contributions.widgets
    assert widget.display_name == "Annotate tumors"


def test_the_manifest_is_installed() -> None:
    """Entry point and package data name the file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["napari.manifest"] == {"murinoma": "murinoma.ui.napari:napari.yaml"}
    assert "ui/napari/napari.yaml" in project["tool"]["setuptools"]["package-data"]["murinoma"]
