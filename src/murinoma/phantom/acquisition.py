"""Acquisitions: phantom mice together in one field with beds and cables, as a scanner sees them, with the truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError
from murinoma.phantom.arrangement import Layout, arranged
from murinoma.phantom.attachments import paint_nose_cone, paint_tail
from murinoma.phantom.bed import Cone, Furniture, paint_furniture
from murinoma.phantom.cohort import (
    SCAN_STREAM,
    ScanSpec,
    StudyPlan,
    annotations,
    mouse_name,
    plan_scans,
    planned_mouse,
    stream,
)
from murinoma.phantom.furniture import Bed, cable, container, cradle, rims
from murinoma.phantom.mouse import centred, draw_pose, field_grid
from murinoma.phantom.placing import AIR_HU, PlacedMouse, Scene, add_mouse, body_box, empty_scene
from murinoma.phantom.scanner import SCANNER, Scanner, acquire
from murinoma.phantom.shapes import Grid
from murinoma.volume import Box, Volume

LOWEST_HU, HIGHEST_HU = -1024.0, 30000.0  # a scanner keeps nearly all that int16 can hold
FULL_RANGE = replace(SCANNER, low_hu=LOWEST_HU, high_hu=HIGHEST_HU)
ACQUISITION_STREAM = 4  # after those of `cohort`
RAYS, STREAK_MM = 720, 4.0  # number of rays around the middle; along z they change over this length
GROUP_PLACES = {
    1: ((0, 0),),
    2: ((0, 0), (0, 1)),
    3: ((0, 0), (0, 1), (0, 2)),
    4: ((0, 0), (0, 1), (1, 0), (1, 1)),
    5: ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)),
    6: ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)),
}


@dataclass(frozen=True)
class AcquisitionSpec:
    """One acquisition to be made: light, picklable, and enough for `render_acquisition` to make it anywhere.

    Attributes
    ----------
    name
        ``M01_M02_8d``, or what a random one shows.
    shape, spacing_mm
        Voxels along (z, y, x), and their size.
    mice
        In reading order: rows from top to bottom of a slice shown with y downwards, in a row from left to right.
    furniture
        What else is in the field.
    seed
        Of the noise.
    scanner
        How it sees, with the range it keeps.
    contrast
        Factor on the distance to air: the Inveon of the published data reads soft tissue at -90 HU beside air at -1000.
    streaks_hu
        Size of the fine rays from the middle of the field at its edge, SD.
    circle_mm
        Radius of the round field that was reconstructed, about the middle of the section; outside it is the
        lowest value. None: all of the section.
    scans
        The scans of the study that show the same mice, in the same order; none in a random acquisition.
    """

    name: str
    shape: tuple[int, int, int]
    spacing_mm: float
    mice: tuple[PlacedMouse, ...]
    furniture: tuple[Furniture, ...] = ()
    seed: int = 0
    scanner: Scanner = FULL_RANGE
    contrast: float = 1.0
    streaks_hu: float = 0.0
    circle_mm: float | None = None
    scans: tuple[ScanSpec, ...] = ()


@dataclass(frozen=True, eq=False)
class PhantomAcquisition:
    """An acquisition and the truth about it.

    Attributes
    ----------
    spec
        From which it was made.
    ct
        int16, HU.
    bodies
        uint8: the number (1, 2, ... in reading order) of the mouse whose body each voxel is, organs and their air
        included; 10 more marks its tail behind the root, which is hardly body; 0 elsewhere.
    tumors
        uint8: tumor numbers, as in the scan of the mouse alone; whose they are says `bodies`.
    boxes
        The box of each mouse's body, tails aside.
    names
        Of the mice: ``M01``, ...
    """

    spec: AcquisitionSpec
    ct: Volume
    bodies: Volume
    tumors: Volume
    boxes: tuple[Box, ...]
    names: tuple[str, ...]

    def truth(self, number: int, box: Box) -> Volume:
        """Return the tumor numbers of one mouse (1, 2, ...) inside a box, those of others left out."""
        tumors = self.tumors.crop(box)
        return tumors.with_voxels(np.where(self.bodies.voxels[box] == number, tumors.voxels, np.uint8(0)))

    def annotations(self, number: int, box: Box) -> dict[str, Volume]:
        """Return what each annotator of the study draws on the crop of one mouse (1, 2, ...), by name."""
        return annotations(self.spec.scans[number - 1], self.ct.crop(box), self.truth(number, box))


def acquisitions(plan: StudyPlan, seed: int) -> Iterator[PhantomAcquisition]:
    """Yield the acquisitions of a phantom study one at a time, in the order of `plan_acquisitions`."""
    return (render_acquisition(spec) for spec in plan_acquisitions(plan, seed))


def plan_acquisitions(plan: StudyPlan, seed: int) -> list[AcquisitionSpec]:
    """Return what is needed to make each acquisition of a phantom study: by dataset, time point, group.

    The mice are those of `plan_scans` with the same plan and seed: the same anatomy, posture and tumors, to the
    voxel; here they lie on their backs in half-tubes, head in a cone, as in a real scanner.

    Examples
    --------
    >>> from murinoma.phantom.cohort import DatasetPlan
    >>> plan = StudyPlan((DatasetPlan("Dataset 1", 3, ("0d", "8d")),), spacing_mm=0.42, air_hu=-300, bone_hu=500)
    >>> [spec.name for spec in plan_acquisitions(plan, seed=1)]
    ['M01_M02_0d', 'M03_0d', 'M01_M02_8d', 'M03_8d']
    """
    groups = groupby(plan_scans(plan, seed), key=lambda scan: (scan.dataset.name, scan.group))
    return [study_acquisition(tuple(scans)) for _, scans in groups]


def study_acquisition(scans: Sequence[ScanSpec]) -> AcquisitionSpec:
    """Return the acquisition of a group: its mice on their backs in half-tubes, with cones, cables and a cradle."""
    first = scans[0]
    if len(scans) not in GROUP_PLACES:
        raise InputError(f"{first.group}: {len(scans)} mice do not fit into a phantom acquisition, 1 to 6 do")
    rng = stream(first, ACQUISITION_STREAM, first.time_index)
    mice = [scanned_mouse(scan, rng=rng) for scan in scans]
    bed = Bed("trough", wall_mm=1.2, hu=-110.0, radius_mm=18.0, arc_deg=70.0)
    layout = Layout(GROUP_PLACES[len(mice)], gap_mm=(9.0, 3.0), margin_mm=(12.0, 7.0), clear_mm=6.0)
    mice, carriers, size_mm = arranged(mice, bed, layout)
    furniture = [*carriers, *rims(carriers), cradle(size_mm, 7.0, 1.5, 60.0)]
    furniture += container(size_mm, 1.5, 2.0, -260.0, "top")
    for _ in range(2):
        start = (0.0, float(rng.uniform(5.5, 8.0)), float(rng.uniform(0.3, 0.7) * size_mm[2]))
        furniture += cable(start, size_mm[0], 0.7, 350.0, rng=rng)
    spacing = first.study.spacing_mm
    z, y, x = (round(extent / spacing) for extent in size_mm)
    return AcquisitionSpec(
        name=first.group,
        shape=(z, y, x),
        spacing_mm=spacing,
        mice=tuple(mice),
        furniture=tuple(furniture),
        seed=int(rng.integers(2**31)),
        scanner=replace(first.study.scanner, low_hu=LOWEST_HU, high_hu=HIGHEST_HU),
        streaks_hu=20.0,
        scans=tuple(scans),
    )


def scanned_mouse(scan: ScanSpec, *, rng: np.random.Generator) -> PlacedMouse:
    """Return the mouse of a scan as `render` paints it, on its back, its place still open."""
    mouse, volumes = planned_mouse(scan)
    grid = field_grid(scan.study.spacing_mm)
    pose = centred(mouse, draw_pose(rng=stream(scan, SCAN_STREAM, scan.time_index)), volumes, grid)
    return PlacedMouse(
        mouse,
        pose,
        tuple(volumes),
        grid,
        at_mm=(float(rng.uniform(-2.0, 2.0)), 0.0, 0.0),
        pressed_mm=0.8,
        tail_bends_mm=(0.0, float(rng.normal(0.0, 3.0))),
        nose_cone=Cone((0.0, 0.0), (9.5, 6.0), 1.0, (-11.0, 10.0), -60.0),
    )


def render_acquisition(spec: AcquisitionSpec) -> PhantomAcquisition:
    """Return the acquisition of a spec, with the truth; it depends on the spec alone."""
    scene = empty_scene(Grid(spec.shape, spec.spacing_mm))
    boxes = fill(scene, spec)
    ct = Volume(scanned(scene, spec), np.diag([spec.spacing_mm] * 3 + [1.0]))
    return PhantomAcquisition(
        spec=spec,
        ct=ct,
        bodies=ct.with_voxels(scene.bodies),
        tumors=ct.with_voxels(scene.tumors),
        boxes=tuple(boxes),
        names=tuple(scan.mouse for scan in spec.scans) or tuple(map(mouse_name, range(1, len(boxes) + 1))),
    )


def fill(scene: Scene, spec: AcquisitionSpec) -> list[Box]:
    """Put furniture and mice into a scene, in place, and return the box of each body."""
    for piece in spec.furniture:
        paint_furniture(scene.hu, scene.grid, piece)
    laid = [add_mouse(scene, placed, number) for number, placed in enumerate(spec.mice, start=1)]
    for number, (_, at_rest) in enumerate(laid, start=1):
        paint_tail(scene, at_rest, number)
        paint_nose_cone(scene, at_rest)
    return [body_box(scene.bodies, number, covered) for number, (covered, _) in enumerate(laid, start=1)]


def scanned(scene: Scene, spec: AcquisitionSpec) -> npt.NDArray[np.int16]:
    """Return what the scanner of a spec makes of a scene, whose HU it uses up."""
    hu, rng = scene.hu, np.random.default_rng(spec.seed)
    hu -= np.float32(AIR_HU)
    hu *= np.float32(spec.contrast)
    hu += np.float32(AIR_HU)
    if spec.streaks_hu:
        add_streaks(scene, spec.streaks_hu, rng=rng)
    ct = acquire(hu, spec.spacing_mm, spec.scanner, rng=rng)
    if spec.circle_mm is not None:
        ct[:, np.hypot(*from_middle(scene.grid)) > spec.circle_mm] = round(spec.scanner.low_hu)
    return ct


def add_streaks(scene: Scene, size_hu: float, *, rng: np.random.Generator) -> None:
    """Add rays from the middle of the section that wax and wane along z, stronger towards the edge, in place."""
    y, x = from_middle(scene.grid)
    distance = np.hypot(y, x)
    ray = np.floor((np.arctan2(y, x) / (2 * np.pi) + 0.5) * (RAYS - 1)).astype(int)
    one, other = (
        (rng.standard_normal(RAYS)[ray] * distance * (size_hu / distance.max())).astype(np.float32) for _ in range(2)
    )
    for z, part in zip(scene.grid.axes()[0].ravel() / STREAK_MM, scene.hu, strict=True):
        part += np.cos(z) * one + np.sin(z) * other


def from_middle(grid: Grid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how far each voxel of the section lies from its middle along y and x, mm."""
    y, x = (axis[0].astype(np.float64) - float(axis.mean()) for axis in grid.axes()[1:])
    return y, x
