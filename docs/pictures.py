"""Make the pictures of the README and the documents from a phantom study: ``make pictures``."""

from pathlib import Path
from tempfile import TemporaryDirectory

from murinoma.files.atomic import write_bytes
from murinoma.files.masks import read_annotations
from murinoma.files.nifti import read_volume
from murinoma.pages.figures import line_styles, view_png, view_scan
from murinoma.settings import PhantomDataset, SimulateSettings
from murinoma.steps.simulate import simulate
from murinoma.study import read_study

PICTURES = Path(__file__).with_name("pictures")
ONE_MOUSE = PhantomDataset(1, ("0d",), 2, median_mm3=260.0, log_sd=0.2, growth_per_day=0.0, mice_per_acquisition=1)


def main() -> None:
    """Write ``docs/pictures/scan.png``: one phantom mouse with two tumors and its three annotators."""
    with TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        simulate(root, settings=SimulateSettings(seed=5, datasets=(ONE_MOUSE,)))
        (scan,) = read_study(root).scans
        annotations = read_annotations(scan)
        assert scan.ct is not None
        areas = sum((mask > 0).sum(axis=(1, 2)) for mask in annotations.masks.values())
        view = view_scan(
            read_volume(scan.ct).voxels,
            annotations.masks,
            spacing_mm=annotations.spacing_mm,
            slice_index=int(areas.argmax()),
            styles=line_styles(list(annotations.masks)),
        )
        write_bytes(PICTURES / "scan.png", view_png(view, dpi=110))


if __name__ == "__main__":
    main()
