"""The two trainings of a model, one after the other: sampler, recipe, held-out patches, checkpoint."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from murinoma.models.scan import Scan
from murinoma.models.segmenter import CONSENSUS
from murinoma.models.training.examples import Example, ExampleCache, Mask, fine_example
from murinoma.models.training.sampler import Sampler
from murinoma.models.unet import UnetSpec
from murinoma.settings import NetworkSettings, TrainSettings
from murinoma.steps import finite
from murinoma.steps.train.material import Bar, Material, read_example
from murinoma.study import Scan as StudyScan

if TYPE_CHECKING:
    from murinoma.models.training.loop import Job, Training

COARSE_HEAD = "tumor"
CHANNELS = {"coarse": 1, "fine": 2}  # the image; for the fine network also what the coarse one suspects
COARSE_MINUTES = 0.3  # share of the minutes that the coarse network gets
MIB = 1 << 20


@dataclass(frozen=True)
class Trained:
    """A network that was trained: the job, its state at the end, and the voxel size that it sees."""

    job: "Job"
    training: "Training"
    spacing_mm: float


def train_networks(material: Material, settings: TrainSettings, folder: Path, bar: Bar) -> tuple[Trained, Trained]:
    """Return the coarse and the fine network, trained one after the other; the fine one has the time that is left.

    Raises
    ------
    InputError, FileError, OutputError
        As `loop.train_network`.
    """
    heads = [*material.annotators, CONSENSUS]
    coarse_examples = [one.coarse for one in material.training]
    held_out = [one.coarse for one in material.held_out]
    minutes = settings.minutes
    begun = (folder, _identity(material, settings), bar)
    coarse = train_one(
        "coarse", settings.coarse, replace(settings, minutes=minutes and minutes * COARSE_MINUTES), [COARSE_HEAD],
        (coarse_examples.__getitem__, len(coarse_examples), held_out), begun,
    )  # fmt: skip
    bar.done = bar.total - settings.fine.steps
    rest = minutes and max(minutes - coarse.training.seconds / 60, minutes * (1 - COARSE_MINUTES))
    scans = [one.scan for one in material.training]
    hinted = partial(hinted_example, written(coarse))

    def make(scan: StudyScan) -> Example:
        return read_example(scan, hinted, material.annotators, settings)

    load = ExampleCache(lambda number: make(scans[number]), settings.cache_mib * MIB)
    fresh = (make(one.scan) for one in material.held_out)
    fine = train_one("fine", settings.fine, replace(settings, minutes=rest), heads, (load, len(scans), fresh), begun)
    return coarse, fine


def written(coarse: Trained) -> Path:
    """Return the file of a coarse network that was trained, beside its checkpoint: the fine one learns with it."""
    from murinoma.models.export import export_onnx

    path = coarse.job.checkpoint.with_suffix(".onnx")
    export_onnx(coarse.training.average, coarse.job.spec, path)
    return path


def hinted_example(coarse: Path, scan: Scan, masks: Sequence[Mask | None]) -> Example:
    """Return a scan for the fine network, with what the coarse network in a file makes of it."""
    from murinoma.models.training.coarse_pass import suspected

    return fine_example(scan, masks, suspected(coarse, scan))


def train_one(
    name: str,
    network: NetworkSettings,
    settings: TrainSettings,
    heads: Sequence[str],
    examples: tuple[Callable[[int], Example], int, Any],
    begun: tuple[Path, str, Bar],
) -> Trained:
    """Return one network, trained.

    Parameters
    ----------
    name
        ``coarse`` or ``fine``.
    network, settings
        What it is, and how it is trained.
    heads
        Names of its heads.
    examples
        What loads a training example by its number, how many there are, and the held-out examples.
    begun
        The folder of its checkpoint, what the checkpoint belongs to, and the bar of the whole step.
    """
    from murinoma.models.training.loop import Job, has_bf16, pick_device, train_network
    from murinoma.models.training.validation import validation_patches

    load, count, held_out = examples
    folder, identity, bar = begun
    device, before = pick_device(), bar.done
    sampler = Sampler(load, count, network.patch, network.batch, network.tumor_share, settings.pasted, settings.seed)
    recipe = _recipe(network, settings, bf16=settings.bf16 and has_bf16(device))
    validation = validation_patches(held_out, network.patch, at_most=settings.validation_patches)
    spec = UnetSpec(network.widths, len(heads), channels=CHANNELS[name])
    job = Job(name, spec, recipe, sampler, validation, heads, folder / f"{name}.pt", identity)
    training = train_network(job, device=device, tell=lambda step, _, what: bar.tell(before + step, what))
    return Trained(job, training, network.spacing_mm)


def _recipe(network: NetworkSettings, settings: TrainSettings, *, bf16: bool) -> Any:
    from murinoma.models.training.loop import Recipe

    names = ("rate", "least_rate", "weight_decay", "clip", "memory", "seed", "save_seconds", "look_every", "minutes")
    shared = {name: getattr(settings, name) for name in (*names, "threads")}
    return Recipe(steps=network.steps, warm_up=max(1, round(settings.warm_up * network.steps)), bf16=bf16, **shared)


def _identity(material: Material, settings: TrainSettings) -> str:
    """Return what a training belongs to: version, settings that change its result, and the files of its scans."""
    free = {"minutes", "save_seconds", "cache_mib", "threads"}
    kept = {key: value for key, value in asdict(settings).items() if key not in free}
    sides = [[(one.scan.title, one.sha256) for one in side] for side in (material.training, material.held_out)]
    text = json.dumps([version("murinoma"), kept, sides], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def last_dice(trained: Trained) -> dict[str, float | None]:
    """Return the Dice of each head at the end, in patches about held-out tumors; nothing where none shows it."""
    row = trained.training.history[-1][2:] if trained.training.history else []
    return {head: finite(value) for head, value in zip(trained.job.heads, row, strict=False)}
