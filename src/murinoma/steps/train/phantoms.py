"""Train a model on random phantoms alone: no real scan, no real annotation. The shipped ``xeno-0`` is made so.

In the manner of SynthSeg (Billot et al. 2023): see `murinoma.phantom.random_mouse`. A coarse network sees whole mice, a
fine one cubes about their tumors and elsewhere; both see each phantom again and again, turned and changed every time.
"""

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError, StudyError, UsageError
from murinoma.models.folder import ModelCard, NetworkCard, read_card
from murinoma.models.grids import Floats, carry
from murinoma.models.scan import Scan, made_ready
from murinoma.models.segmenter import CONSENSUS
from murinoma.models.shipped import find_folder
from murinoma.models.training.coarse_pass import suspected
from murinoma.models.training.examples import WHOLE, Example, coarse_example
from murinoma.models.training.hints import Hint, packed
from murinoma.numerics.blocks import dilate
from murinoma.numerics.boxes import positive_box
from murinoma.phantom.random_mouse import RandomScan, cube, rendered
from murinoma.phantom.random_plan import RandomPlan, random_plan
from murinoma.runs import Progress
from murinoma.settings import PhantomTrainSettings, RunSettings
from murinoma.steps import Number, StepResult, some
from murinoma.steps.train import require_extra
from murinoma.steps.train.material import Bar
from murinoma.steps.train.model import dice_in_words, finish
from murinoma.steps.train.networks import (
    COARSE_HEAD,
    Examples,
    Trained,
    begun_with,
    deciding,
    last_dice,
    train_both,
)
from murinoma.study.model_paths import checked_name

Make = Callable[[int], list[Example]]
Places = npt.NDArray[np.intp]
FIRST_CUBE, FIRST_UNSEEN = 100_000, 400_000  # seeds; those from 500,000 on judge
OWN_SEEDS, PARTS = 4000, 25  # every seed of a training has so many phantoms of its own, and so many seeds do
DOUBT, EDGE_VOXELS = 0.1, 5  # a false suspicion: over this probability, and so far from every tumor
OVER_HALF = 0.5  # of a voxel belongs to the body
OVER_AIR = 0.6  # of the way from air to soft tissue: what is brighter belongs to a body
AROUND_MM = 3.0  # so far from a voxel of the tumor the middle of its cube may lie
COARSE_MINUTES, COARSE_MINUTES_ON = 0.7, 0.88  # share of the minutes for the coarse network; second: with a `start`
CORE = 8  # a patch is cut about the middle of a cube: no farther from it than the cube's side by this
PLACES = 2000
AT_ONCE = 32  # phantoms that are asked for together
LICENCE = "as murinoma itself (BSD-3-Clause); it has seen no scan of anybody"
LIMITS = "for research only; it has seen phantoms alone and no real mouse: look at every mask"


def train_on_phantoms(
    target: Path,
    *,
    settings: PhantomTrainSettings = PhantomTrainSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write a model that knows random phantoms only to the folder `target`, whose name becomes the model's.

    With `settings.training.start` it begins with the weights of another such model; with another seed it sees other
    phantoms than that one did. Stopped, the same call goes on from its checkpoints, which lie beside the folder until
    it is done; phantoms are made anew. `how.force` begins again, and replaces a model that is there.

    Raises
    ------
    UsageError
        If the extra ``train`` is not installed, the folder's name cannot be a model's, or the model to begin with does
        not exist or has seen real scans.
    StudyError
        If there is a model already.
    InputError, FileError, OutputError
        As `murinoma.models.training.loop.train_network`; also if the model cannot be written.
    """
    require_extra()
    name, kept = checked_name(target.name), target.with_name(f"{target.name}.training")
    if target.exists() and not how.force:
        raise StudyError(f"there is a model already ({target}); name another folder, or --force to replace it")
    if how.force:
        shutil.rmtree(kept, ignore_errors=True)
    settings, start = _begun(settings)
    bar = Bar(progress, settings.training.coarse.steps + settings.training.fine.steps)
    networks = train_phantom_networks(settings, kept, bar)
    finish(target, _card(name, networks, settings, start), networks, kept)
    dice = last_dice(networks[1]).get(CONSENSUS)
    numbers: dict[str, Number] = {"dice_patches": dice, "minutes": round(_minutes(networks), 2)}
    return StepResult("train-phantoms", target, settings.mice + settings.cubes, (), (), numbers)


def _begun(settings: PhantomTrainSettings) -> tuple[PhantomTrainSettings, ModelCard | None]:
    """Return settings that begin with the weights of the model that they name, and its card; or as they are."""
    if settings.training.start is None:
        return settings, None
    first = find_folder(settings.training.start)
    start = read_card(first)
    if start.training_cts:
        raise UsageError(
            f"{first} has learned from {some(len(start.training_cts), 'real scan')}, and this model is to see phantoms "
            "alone; begin with xeno-0 or another model that train-phantoms made"
        )
    return replace(settings, training=begun_with(first, start, settings.training)), start


def _card(
    name: str, networks: tuple[Trained, Trained], settings: PhantomTrainSettings, start: ModelCard | None
) -> ModelCard:
    coarse, fine = networks
    before = f"; it began with the weights of {start.name}" if start else ""
    steps = " and ".join(str(one.training.step) for one in networks)
    return ModelCard(
        name=name,
        heads=(CONSENSUS,),
        coarse=NetworkCard(coarse.spacing_mm),
        fine=NetworkCard(fine.spacing_mm),
        training_cts=(),
        licence=LICENCE,
        tried_on=f"random phantoms: Dice {dice_in_words(fine)} in {some(len(fine.job.validation), 'patch', 'patches')} "
        f"about tumors of unseen ones, after {steps} steps of the coarse and the fine network in "
        f"{_minutes(networks):.0f} minutes (seed {settings.training.seed}){before}",
        limits=LIMITS,
    )


def _minutes(networks: tuple[Trained, Trained]) -> float:
    return sum(one.training.seconds for one in networks) / 60


def train_phantom_networks(settings: PhantomTrainSettings, folder: Path, bar: Bar) -> tuple[Trained, Trained]:
    """Return a coarse and a fine network of one head each; stopped, a training goes on from its checkpoint in `folder`.

    Raises
    ------
    InputError, FileError, OutputError
        As `murinoma.models.training.loop.train_network`.
    """
    mice, unseen = partial(mouse_examples, settings=settings), settings.unseen
    first = (settings.training.seed - 1) % PARTS * OWN_SEEDS
    kept = _kept(mice, first, settings.mice, settings, bar)
    seen = Examples([COARSE_HEAD], kept, settings.mice, _made(mice, FIRST_UNSEEN, unseen, settings.workers, bar))

    def outlined(coarse: Path) -> Examples:
        cubes = partial(cube_examples, settings=settings, coarse=coarse)
        kept = _kept(cubes, FIRST_CUBE + first, settings.cubes, settings, bar)
        held_out = _made(cubes, FIRST_UNSEEN, unseen * settings.cubes_per_mouse, settings.workers, bar)
        return Examples([CONSENSUS], kept, settings.cubes, held_out)

    share = COARSE_MINUTES if settings.training.start is None else COARSE_MINUTES_ON
    return train_both(settings.training, share, seen, outlined, (folder, _identity(settings), bar))


def mouse_examples(seed: int, settings: PhantomTrainSettings) -> list[Example]:
    """Return a whole random mouse for the coarse network; none where no body can be found."""
    found = _looked_over(_upright(seed), settings)
    return [coarse_example(found[0], [found[1].truth.voxels > 0])] if found else []


def cube_examples(seed: int, settings: PhantomTrainSettings, coarse: Path) -> list[Example]:
    """Return cubes of a random mouse for the fine network: of its tumors, and of what the coarse one takes for some.

    `coarse` is the file of the coarse network, which says beside the image what it suspects. No cube where no body can
    be found.
    """
    rng = np.random.default_rng([seed, 2])
    plan, spacing_mm = _upright(seed), settings.training.fine.spacing_mm
    found = _looked_over(plan, settings)
    if found is None:
        return []
    scan, seen = found
    said = suspected(coarse, scan, threads=1)
    window, told = plan.window(settings.training.coarse.spacing_mm), packed(said)
    cubes = []
    for about in _middles(scan, said, seen.truth.voxels, settings.cubes_per_mouse, rng=rng):
        middle = about * window.spacing_mm + window.origin_mm + rng.uniform(-AROUND_MM, AROUND_MM, 3)
        part = cube(plan.window(spacing_mm), middle, settings.cube)
        offset = np.subtract(part.origin_mm, window.origin_mm) / window.spacing_mm - scan.corner
        hint = Hint(told, np.full(3, spacing_mm / window.spacing_mm), offset, is_fresh=True)
        cubes.append(replace(_cube_of(rendered(plan, part), scan.anchor_hu), hint=hint))
    return cubes


def _middles(
    scan: Scan, said: Floats, truth: npt.NDArray[np.uint8], count: int, *, rng: np.random.Generator
) -> Iterator[Places]:
    """Yield coarse voxels: one of each tumor, then of false suspicions, and of the body where there is none."""
    others = np.argwhere((said > DOUBT) & ~dilate(truth > 0, EDGE_VOXELS)[scan.box]) + scan.corner
    if not len(others):
        body = carry(scan.body, scan.rough.whole, scan.rough, scan.coarse, scan.coarse.whole)
        others = np.argwhere(body > OVER_HALF)
    tumors = [np.argwhere(truth == number) for number in range(1, int(truth.max()) + 1)]
    for places in [*filter(len, tumors), *[others] * count][:count]:
        yield places[rng.integers(len(places))]


def _upright(seed: int) -> RandomPlan:
    """Return what a random scan shows, as it lies in the scanner: training turns it anyway."""
    return replace(random_plan(seed), turns=0, flips=(False, False))


def _looked_over(plan: RandomPlan, settings: PhantomTrainSettings) -> tuple[Scan, RandomScan] | None:
    """Return a random mouse in coarse voxels, made ready as a scan to segment is; nothing where no body is found."""
    spacing_mm = settings.training.coarse.spacing_mm
    scan = rendered(plan, plan.window(spacing_mm))
    try:
        return made_ready(scan.ct.voxels, scan.ct.spacing_mm, spacing_mm, settings.training.fine.spacing_mm), scan
    except InputError:
        return None


def _cube_of(scan: RandomScan, anchor_hu: float) -> Example:
    image, tumor = scan.ct.voxels, scan.truth.voxels > 0
    box = positive_box(tumor)
    air_hu = float(image.min())
    body = image > air_hu + OVER_AIR * (anchor_hu - air_hu)
    return Example(
        image=image,
        targets=np.where(tumor[box], WHOLE, 0).astype(np.uint8)[None],
        box=box,
        weights=np.ones(1, np.float32),
        anchor_hu=anchor_hu,
        air_hu=air_hu,
        tumors=(_central(tumor),) if len(_central(tumor)) else (),
        body=_central(body) if len(_central(body)) else np.array([image.shape], np.intp) // 2,
        skin=np.zeros((0, 3), np.intp),
        outwards=np.zeros((0, 3)),
        spacing_mm=scan.ct.spacing_mm[0],
    )


def _central(mask: npt.NDArray[np.bool_]) -> Places:
    """Return voxels of a mask near the middle of its cube, evenly taken."""
    reach = mask.shape[0] // CORE
    start = mask.shape[0] // 2 - reach
    part = slice(start, start + 2 * reach)
    places = np.argwhere(mask[part, part, part]) + start
    return np.ascontiguousarray(places[:: max(1, len(places) // PLACES)])


def _kept(make: Make, first: int, count: int, settings: PhantomTrainSettings, bar: Bar) -> Callable[[int], Example]:
    """Return what gives an example by its number; all are made when the first one is asked for."""

    @cache
    def examples() -> list[Example]:
        return list(_made(make, first, count, settings.workers, bar))

    return lambda number: examples()[number]


def _made(make: Make, first: int, count: int, workers: int, bar: Bar) -> Iterator[Example]:
    """Yield `count` examples from a seed on; a phantom in which no body is found gives none."""
    with _mapping(workers) as mapping:
        done, seed = 0, first
        while done < count:
            seeds = range(seed, seed + min(AT_ONCE, count - done))
            for example in [one for examples in mapping(make, seeds) for one in examples][: count - done]:
                done += 1
                bar.tell(bar.done, f"phantom {done} of {count}")
                yield example
            seed = seeds.stop


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[[Make, Iterable[int]], Iterator[list[Example]]]]:
    """Give what applies a function to many seeds, in their order, in so many processes."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=4)


def _identity(settings: PhantomTrainSettings) -> str:
    """Return what a training belongs to: version, and the settings that change its result."""
    kept = asdict(settings) | {"training": deciding(settings.training)}
    del kept["workers"]
    return hashlib.sha256(json.dumps([version("murinoma"), kept], sort_keys=True).encode()).hexdigest()
