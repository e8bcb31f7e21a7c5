"""Annotate both tumors of the real scan in napari, by its keys and its polygon tool, and measure what comes out.

Run from the repository: ``xvfb-run -a python evidence/annotate_real.py [--pictures DIR] [--study DIR]``; half a minute.
It needs the extra napari, a display (Xvfb will do) and ../shared/data. It writes docs/evidence/annotate_real.md. The
outlines below were drawn by eye, slice by slice; every step goes through the keys of the window. Pictures of each stage
and the study itself are kept only where it is asked for: the scan must not be passed on, and nothing of it may lie in
the repository.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from murinoma.campaign import create_plan
from murinoma.files.nifti import read_volume
from murinoma.settings import SplitSettings
from murinoma.steps.annotate import open_campaign
from murinoma.steps.campaign import reveal_campaign
from murinoma.steps.split import SplitJob, split
from murinoma.study import read_study

Outline = tuple[tuple[int, int], ...]  # corners (x, y), voxels

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "evidence" / "annotate_real.md"
REAL = ROOT.parent / "shared" / "data" / "inveon_two_mice_0.39mm.nii.gz"
GENEROUS = 1.06  # outlines are drawn a little into the air, as people do; the tissue rule takes that back
SECRETS = ("Dataset", "M01", "M02", "0d", "inveon")

# Read off the axial slices. Where no edge shows, at the foot of the tumor, the line runs from fold to fold.
FIRST_MOUSE: dict[int, Outline] = {
    195: ((66, 37), (69, 33), (74, 31), (80, 31), (84, 34), (85, 38), (78, 40), (70, 40)),
    200: ((62, 42), (68, 32), (72, 27), (78, 26), (84, 29), (87, 34), (88, 42), (80, 45), (70, 45)),
    205: ((60, 45), (63, 38), (66, 32), (70, 26), (76, 24), (83, 26), (87, 31), (89, 38), (89, 46), (80, 48), (70, 48)),
    210: ((58, 45), (62, 38), (66, 31), (71, 25), (77, 23), (83, 25), (88, 31), (90, 38), (90, 48), (80, 50), (68, 49)),
    215: ((59, 45), (63, 37), (68, 29), (73, 23), (78, 22), (84, 26), (88, 32), (91, 40), (90, 48), (80, 50), (68, 49)),
    220: ((60, 46), (64, 39), (69, 30), (74, 25), (79, 25), (84, 29), (86, 33), (85, 40), (84, 47), (75, 49), (66, 48)),
    225: ((64, 43), (69, 36), (73, 31), (78, 30), (82, 34), (83, 40), (79, 43), (70, 44)),
    228: ((70, 37), (74, 34), (78, 33), (81, 36), (78, 38), (72, 39)),
}
SECOND_MOUSE: dict[int, Outline] = {
    197: ((60, 39), (64, 35), (66, 34), (66, 40), (62, 41)),
    202: ((50, 41), (52, 36), (55, 31), (60, 28), (65, 29), (69, 34), (69, 44), (60, 45), (53, 44)),
    207: ((48, 44), (48, 36), (52, 30), (57, 27), (64, 27), (69, 32), (71, 39), (71, 47), (62, 49), (53, 48)),
    212: ((47, 44), (48, 34), (52, 29), (58, 26), (65, 28), (70, 33), (73, 40), (73, 48), (62, 50), (52, 48)),
    217: ((46, 44), (47, 35), (51, 30), (57, 27), (64, 28), (69, 32), (69, 37), (68, 45), (60, 48), (51, 47)),
    222: ((47, 43), (48, 36), (52, 31), (58, 28), (63, 28), (66, 32), (66, 38), (64, 43), (56, 44)),
    227: ((48, 42), (51, 37), (55, 33), (60, 32), (64, 34), (64, 37), (57, 40)),
    228: ((51, 40), (52, 36), (55, 34), (59, 36), (57, 39)),
}
OUTLINES = {"M01": FIRST_MOUSE, "M02": SECOND_MOUSE}


@dataclass(frozen=True)
class Drawn:
    """What came out of one scan."""

    mouse: str
    slices: int
    drawn_voxels: int
    interpolated_mm3: float
    removed: int
    put_back: int
    volume_mm3: float
    longest_step_ms: float


def main() -> None:
    """Annotate both scans, reveal them, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="write a picture of each stage here, outside the repository")
    parser.add_argument("--study", type=Path, help="keep the annotated study here, outside the repository")
    given = parser.parse_args()
    if not REAL.exists():
        print(f"skipped: {REAL} is not beside this checkout")
        return
    if not os.environ.get("DISPLAY"):
        print("skipped: napari needs a display; run it under xvfb-run -a")
        return
    with tempfile.TemporaryDirectory() as folder:
        drawn = annotate(given.study or Path(folder), given.pictures)
    REPORT.write_text(page(drawn), encoding="utf-8")
    print(REPORT)


def annotate(folder: Path, pictures: Path | None) -> list[Drawn]:
    """Return what came out of each scan of a campaign of one annotator, revealed and read again from its file."""
    split([SplitJob(REAL, "Dataset 1", "0d", ("M01", "M02"))], folder, settings=SplitSettings())
    study = read_study(folder)
    plan = create_plan(study, ["A"], seed=1, repeat_share=0.0, protocol={})
    mice = {assigned.code: assigned.scan.mouse for assigned in plan.order_of("A")}
    window = Window(open_campaign(study, "A"), pictures)
    results = []
    while (code := window.code) is not None:
        results.append(annotate_scan(window, mice[code], OUTLINES[mice[code]]))
    window.close()
    reveal_campaign(study)
    for result in results:
        scan = next(scan for scan in read_study(folder).scans if scan.mouse == result.mouse)
        labels = read_volume(scan.annotations["A"])
        assert np.count_nonzero(labels.voxels) * labels.voxel_mm3 == result.volume_mm3
    return results


class Window:
    """A napari window with a sitting, worked by keys and corners of polygons."""

    def __init__(self, sitting: Any, pictures: Path | None) -> None:
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import QApplication

        from murinoma.ui.napari.window import open_window

        self.viewer, self.dock = open_window(sitting)
        assert self.dock.desk is not None
        self.desk = self.dock.desk
        self.viewer.window._qt_window.resize(1680, 1030)
        self._test, self._application, self._pictures = QTest, QApplication, pictures
        self._canvas = self.viewer.window._qt_viewer.canvas.native
        self.longest = 0.0

    @property
    def code(self) -> str | None:
        """The code of the open scan."""
        scan = self.desk.sitting.scan
        return None if scan is None else scan.code

    @property
    def volume_mm3(self) -> float:
        """The volume of tumor 1 as the panel shows it, before it is rounded."""
        return float(self.desk.shown().tumors[0].volume_mm3)

    def press(self, key: str, *modifiers: str) -> None:
        """Press a key over the picture."""
        from qtpy.QtCore import Qt

        held = Qt.KeyboardModifier.NoModifier
        for modifier in modifiers:
            held |= getattr(Qt.KeyboardModifier, f"{modifier}Modifier")
        start = time.perf_counter()
        self._test.keyClick(self._canvas, getattr(Qt.Key, f"Key_{key}"), held)
        self.longest = max(self.longest, time.perf_counter() - start)
        assert not self.desk.is_error, self.desk.said

    def polygon(self, corners: Outline) -> None:
        """Draw a polygon on the open slice with the tool of the layer."""
        z = self.desk.z
        middle = np.mean(corners, axis=0)
        wide = middle + (np.array(corners) - middle) * GENEROUS
        self.press("P")
        self.desk.tumors.paint_polygon([[z, y, x] for x, y in wide], 1)

    def shoot(self, name: str) -> None:
        """Write a picture of the window, if pictures are wanted; look for what must not be on it in any case."""
        for _ in range(8):
            self._application.processEvents()
            time.sleep(0.03)
        shown = f"{self.viewer.window._qt_window.windowTitle()} {self.desk.said} {self.viewer.layers}"
        assert not [secret for secret in SECRETS if secret in shown]
        if self._pictures is not None:
            self._pictures.mkdir(parents=True, exist_ok=True)
            self.viewer.window._qt_window.grab().save(str(self._pictures / f"{name}.png"))

    def close(self) -> None:
        """Close the window and the sitting."""
        self.dock.stop()
        self.viewer.close()


def annotate_scan(window: Window, mouse: str, outlines: dict[int, Outline]) -> Drawn:
    """Draw a tumor from its first slice to its last as the keys lead, and hand it in."""
    desk, code = window.desk, window.code
    window.longest = 0.0
    window.shoot(f"{mouse}_1_open")
    draw_slices(window, mouse, outlines)
    assert sorted(desk.sitting.annotation.slices_with(1)) == sorted(outlines)
    drawn_voxels = int(np.count_nonzero(desk.sitting.annotation.labels))
    desk.go_to(sorted(outlines)[3] + 2)
    window.press("I")
    interpolated_mm3 = window.volume_mm3
    window.shoot(f"{mouse}_4_interpolated")
    window.press("Z", "Control")
    assert int(np.count_nonzero(desk.sitting.annotation.labels)) == drawn_voxels, "undo takes one step back"
    window.press("Z", "Control", "Shift")
    window.press("T")
    removed = desk.shown().removed
    window.shoot(f"{mouse}_5_tissue_rule")
    window.press("O")
    window.press("Y")
    put_back = removed - desk.shown().removed
    window.shoot(f"{mouse}_6_put_back_outlines")
    window.press("Z", "Control")
    window.press("O")
    desk.pin(sorted(outlines)[3], *np.mean(outlines[sorted(outlines)[3]], axis=0).astype(int)[::-1])
    window.shoot(f"{mouse}_7_three_planes")
    volume_mm3, longest_ms = window.volume_mm3, 1000 * window.longest
    window.press("Return", "Control")
    assert window.code != code
    window.shoot(f"{mouse}_8_submitted")
    return Drawn(mouse, len(outlines), drawn_voxels, interpolated_mm3, removed, put_back, volume_mm3, longest_ms)


def draw_slices(window: Window, mouse: str, outlines: dict[int, Outline]) -> None:
    """Draw the first slice, go on with F to where the tumor is gone, find its last slice, and mark both ends."""
    desk, (first, *_, last) = window.desk, sorted(outlines)
    desk.go_to(first)
    while desk.z in outlines:
        window.polygon(outlines[desk.z])
        if desk.z == sorted(outlines)[3]:
            window.shoot(f"{mouse}_2_drawing")
        window.press("F")
    window.press("0")  # not here any more
    desk.go_to(last)
    window.polygon(outlines[last])
    window.press("0")
    desk.go_to(first)
    window.press("0")
    desk.go_to(sorted(outlines)[3] + 2)
    window.shoot(f"{mouse}_3_ghost")


def page(results: list[Drawn]) -> str:
    """Return the page."""
    rows = "\n".join(
        f"| {one.mouse} | {one.slices} | {one.drawn_voxels:,} | {one.interpolated_mm3:.1f} | {one.removed:,} | "
        f"{one.volume_mm3:.1f} | {one.longest_step_ms:.0f} |"
        for one in results
    )
    return f"""# A real scan annotated in napari

Made by `evidence/annotate_real.py`: `{REAL.name}` is split, and both scans of a campaign of one annotator are
opened in a napari window. Every action is a key of the window: `F` to the next slice to draw, the polygon tool, `0` for
the ends of the tumor, `I`, `Ctrl+Z` and `Ctrl+Shift+Z`, `T`, `Y`, `Ctrl+Enter`. The outlines were drawn by eye on each
slice that `F` led to. Where no edge shows, at the foot of the tumor, they run from fold to fold; another person may
draw that line 1 to 2 mm higher or lower, which is most of what these volumes are uncertain by. The masks that
`campaign reveal` writes have exactly these volumes. The window's title, messages and layers held no dataset, mouse or
day at any stage.

| scan | slices | voxels drawn | interpolated, mm³ | air and bone taken, voxels | volume, mm³ | slowest key, ms |
|---|---|---|---|---|---|---|
{rows}

Voxels are 0.39 mm wide. The scanner was not calibrated: soft tissue reads -92 HU, and the limits of the tissue rule are
applied to the values as they are. The slowest key is that of all but `Ctrl+Enter`, with the picture drawn in software
on two cores that others used, too.
"""


if __name__ == "__main__":
    main()
