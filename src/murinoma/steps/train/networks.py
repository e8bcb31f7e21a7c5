"""The two trainings of a model, one after the other: sampler, recipe, held-out patches, checkpoint."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from murinoma.models.folder import ModelCard, network_path
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
class Examples:
    """What a network learns from: names of its heads, what loads an example by its number, how many, held-out ones."""

    heads: Sequence[str]
    load: Callable[[int], Example]
    count: int
    held_out: Iterable[Example]


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
    coarse = [one.coarse for one in material.training]
    seen = Examples([COARSE_HEAD], coarse.__getitem__, len(coarse), [one.coarse for one in material.held_out])
    scans = [one.scan for one in material.training]

    def outlined(coarse_file: Path) -> Examples:
        hinted = partial(hinted_example, coarse_file)

        def make(scan: StudyScan) -> Example:
            return read_example(scan, hinted, material.annotators, settings)

        load = ExampleCache(lambda number: make(scans[number]), settings.cache_mib * MIB)
        held_out = (make(one.scan) for one in material.held_out)
        return Examples([*material.annotators, CONSENSUS], load, len(scans), held_out)

    return train_both(settings, COARSE_MINUTES, seen, outlined, (folder, _identity(material, settings), bar))


def train_both(
    settings: TrainSettings,
    share: float,
    seen: Examples,
    outlined: Callable[[Path], Examples],
    begun: tuple[Path, str, Bar],
) -> tuple[Trained, Trained]:
    """Return the coarse and the fine network; the fine one has the minutes that are left.

    Parameters
    ----------
    share
        Of the minutes, for the coarse network.
    seen, outlined
        What the coarse network learns from; what the fine one does, once the coarse one's file is there.
    begun
        The folder of the checkpoints, what they belong to, and the bar of the whole step.
    """
    minutes, bar = settings.minutes, begun[2]
    coarse = train_one("coarse", settings.coarse, replace(settings, minutes=minutes and minutes * share), seen, begun)
    bar.done = bar.total - settings.fine.steps
    rest = minutes and max(minutes - coarse.training.seconds / 60, minutes * (1 - share))
    fine = train_one("fine", settings.fine, replace(settings, minutes=rest), outlined(written(coarse)), begun)
    return coarse, fine


def begun_with(folder: Path, card: ModelCard, settings: TrainSettings) -> TrainSettings:
    """Return settings that begin with the weights of a model: its widths and voxel sizes, and a lower rate."""
    from murinoma.models.export import read_spec

    coarse, fine = (
        replace(own, start=str(path), widths=read_spec(path).widths, spacing_mm=network.spacing_mm)
        for own, network, path in (
            (settings.coarse, card.coarse, network_path(folder, "coarse")),
            (settings.fine, card.fine, network_path(folder, "fine")),
        )
    )
    return replace(settings, coarse=coarse, fine=fine, rate=settings.rate * settings.start_pace)


def written(coarse: Trained) -> Path:
    """Return the file of a coarse network that was trained, beside its checkpoint: the fine one learns with it."""
    from murinoma.models.export import export_onnx

    export_onnx(coarse.training.average, coarse.job.spec, coarse.job.onnx)
    return coarse.job.onnx


def hinted_example(coarse: Path, scan: Scan, masks: Sequence[Mask | None]) -> Example:
    """Return a scan for the fine network, with what the coarse network in a file makes of it."""
    from murinoma.models.training.coarse_pass import suspected

    return fine_example(scan, masks, suspected(coarse, scan))


def train_one(
    name: str,
    network: NetworkSettings,
    settings: TrainSettings,
    examples: Examples,
    begun: tuple[Path, str, Bar],
) -> Trained:
    """Return one network, trained.

    Parameters
    ----------
    name
        ``coarse`` or ``fine``.
    network, settings
        What it is, and how it is trained.
    examples
        What it learns from.
    begun
        The folder of its checkpoint, what the checkpoint belongs to, and the bar of the whole step.
    """
    from murinoma.models.torch_unet import has_bf16
    from murinoma.models.training.loop import Job, pick_device, train_network
    from murinoma.models.training.validation import validation_patches

    folder, identity, bar = begun
    device, before = pick_device(), bar.done
    sampler = Sampler(
        examples.load, examples.count, network.patch, network.batch, network.tumor_share, settings.pasted, settings.seed
    )
    recipe = _recipe(network, settings, bf16=settings.bf16 and has_bf16(device))
    validation = validation_patches(examples.held_out, network.patch, at_most=settings.validation_patches)
    spec = UnetSpec(network.widths, len(examples.heads), channels=CHANNELS[name])
    start = None if network.start is None else Path(network.start)
    job = Job(name, spec, recipe, sampler, validation, examples.heads, folder / f"{name}.pt", identity, start)
    training = train_network(job, device=device, tell=lambda step, _, what: bar.tell(before + step, what))
    return Trained(job, training, network.spacing_mm)


def _recipe(network: NetworkSettings, settings: TrainSettings, *, bf16: bool) -> Any:
    from murinoma.models.training.loop import Recipe

    names = ("rate", "least_rate", "weight_decay", "clip", "memory", "seed", "save_seconds", "look_every", "minutes")
    shared = {name: getattr(settings, name) for name in (*names, "threads")}
    return Recipe(steps=network.steps, warm_up=max(1, round(settings.warm_up * network.steps)), bf16=bf16, **shared)


def _identity(material: Material, settings: TrainSettings) -> str:
    """Return what a training belongs to: version, settings that change its result, and the files of its scans."""
    sides = [[(one.scan.title, one.sha256) for one in side] for side in (material.training, material.held_out)]
    text = json.dumps([version("murinoma"), deciding(settings), sides], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def deciding(settings: TrainSettings) -> dict[str, Any]:
    """Return the settings that decide what a training gives; the others say how long it takes, or how it is kept."""
    free = {"minutes", "save_seconds", "cache_mib", "threads"}
    return {key: value for key, value in asdict(settings).items() if key not in free}


def last_dice(trained: Trained) -> dict[str, float | None]:
    """Return the Dice of each head at the end, in patches about held-out tumors; nothing where none shows it."""
    row = trained.training.history[-1][2:] if trained.training.history else []
    return {head: finite(value) for head, value in zip(trained.job.heads, row, strict=False)}
