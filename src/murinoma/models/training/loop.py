"""The loop: a network, its running average, its optimisers; steps from batches, checkpoints, and the rate's schedule.

What a step does follows from the state before it and the step's number, so a stopped run goes on to the same bits, on
the same machine with as many threads. With a limit of minutes the schedule follows the clock: no two runs are alike.
"""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from murinoma.errors import InputError
from murinoma.models.export import begin_with
from murinoma.models.training.checkpoint import read_checkpoint, write_checkpoint
from murinoma.models.training.loss import dice_and_cross_entropy
from murinoma.models.training.optimisers import Optimisers
from murinoma.models.training.sampler import Patches, Sampler, batches
from murinoma.models.training.validation import dice_by_head
from murinoma.models.unet import UnetSpec, build_unet

Tell = Callable[[int, int, str], None]
CPU = torch.device("cpu")
RARE = -4.0  # logit that every head begins with: tumor is rare; from 0 on the first thousand steps only learn that


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes
    ----------
    steps
        Batches that it sees.
    rate, least_rate
        The highest, after the warm-up; and what the cosine ends at, as a share of it. See `Optimisers`.
    warm_up
        Steps over which the rate grows from nothing.
    weight_decay
        Share of the weights that is taken off them in each step, over the rate.
    clip
        Largest norm of a gradient.
    memory
        Of the running average of the weights: its decay per step, less in the first steps.
    bf16
        Compute in bfloat16 where that is safe.
    seed
        Of the first weights.
    save_seconds
        Between checkpoints.
    look_every
        Steps between looks at held-out mice.
    minutes
        After which training ends, its schedule shortened; nothing for no limit.
    threads
        That make batches.
    """

    steps: int
    rate: float
    least_rate: float
    warm_up: int
    weight_decay: float
    clip: float
    memory: float
    bf16: bool
    seed: int
    save_seconds: float
    look_every: int
    minutes: float | None = None
    threads: int = 1


def pick_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass
class Training:
    """A network while it learns.

    Attributes
    ----------
    module, average
        The network, and the running average of its weights: the average is what is kept.
    optimisers
        With their moments.
    step
        Batches seen.
    seconds
        Spent so far, in all runs.
    history
        Rows of (step, mean loss since the last row, Dice of each head on held-out mice).
    losses
        Since the last row.
    """

    module: nn.Module
    average: nn.Module
    optimisers: Optimisers
    step: int = 0
    seconds: float = 0.0
    history: list[list[float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """One network to be trained.

    Attributes
    ----------
    name
        In messages: ``coarse`` or ``fine``.
    spec
        What the network is built from.
    recipe, sampler
        How it is trained, and on what.
    validation
        Patches of held-out mice.
    heads
        Names of the heads, for messages.
    checkpoint
        File that keeps the state.
    begun_with
        What else the state belongs to (scans, settings); a checkpoint that was begun with something else is refused.
    start
        ONNX file with the first weights; nothing for random ones.
    """

    name: str
    spec: UnetSpec
    recipe: Recipe
    sampler: Sampler
    validation: Sequence[Patches]
    heads: Sequence[str]
    checkpoint: Path
    begun_with: str
    start: Path | None = None

    @property
    def onnx(self) -> Path:
        """File beside the checkpoint for the network that was trained: another training may need it."""
        return self.checkpoint.with_suffix(".onnx")


def train_network(job: Job, *, device: torch.device = CPU, tell: Tell | None = None) -> Training:
    """Return the trained network; goes on from the job's checkpoint, if there is one.

    `tell` is called with (step, of how many, sentence) after each step.

    Raises
    ------
    InputError
        If the checkpoint belongs to another training, or the loss is no number any more.
    FileError, OutputError
        If the checkpoint is damaged, or cannot be written; or the file with the first weights is none of this network.
    """
    training = begin(job.spec, job.recipe, device, job.start)
    state = read_checkpoint(job.checkpoint, job.begun_with)
    if state is not None:
        restore(training, state)
    recipe, saved = job.recipe, training.seconds
    clock = None
    # what is over asks for no batch: its examples may take minutes to make
    last = training.step if training.step and is_over(recipe, training.seconds) else recipe.steps
    for patches in batches(job.sampler, training.step, last, recipe.threads):
        # not before the first batch: its examples may have to be made
        clock = clock or _Clock(training.seconds)
        training.losses.append(learn(training, patches, recipe, clock.seconds, device))
        training.seconds = clock.seconds
        _refuse_nan(training, job)
        if training.step % recipe.look_every == 0 or training.step == recipe.steps:
            look(training, job, device)
        if clock.seconds - saved >= recipe.save_seconds:
            write_checkpoint(snapshot(training), job.checkpoint, job.begun_with)
            saved = clock.seconds
        if tell is not None:
            tell(training.step, recipe.steps, sentence(training, job))
        if is_over(recipe, clock.seconds):
            break
    if training.losses:
        look(training, job, device)
    write_checkpoint(snapshot(training), job.checkpoint, job.begun_with)
    return training


def begin(spec: UnetSpec, recipe: Recipe, device: torch.device = CPU, start: Path | None = None) -> Training:
    """Return a network to be trained, with the weights of a file (`murinoma.models.export.begin_with`) or random ones.

    The recipe's seed decides the random ones; torch's own chance is left alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        module = build_unet(spec)
    with torch.no_grad():
        module.head.bias.fill_(RARE)
    if start is not None:
        begin_with(start, module)
    module = module.to(device, memory_format=layout(recipe))
    average = copy.deepcopy(module).requires_grad_(False)
    return Training(module, average, Optimisers(module, recipe.rate, recipe.weight_decay))


def layout(recipe: Recipe) -> torch.memory_format:
    """Return how voxels lie in memory: channels last is twice as fast in bfloat16, and slower in float32 on a CPU."""
    return torch.channels_last_3d if recipe.bf16 else torch.contiguous_format


def learn(training: Training, patches: Patches, recipe: Recipe, seconds: float, device: torch.device) -> float:
    """Take one step, in place, and return its loss."""
    training.module.train()
    images, targets, weights = (
        torch.from_numpy(array).to(device) for array in (patches.images, patches.targets, patches.weights)
    )
    images = images.to(memory_format=layout(recipe))
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=recipe.bf16):
        logits = training.module(images)
    loss = dice_and_cross_entropy(logits.float(), targets, weights)
    training.module.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(training.module.parameters(), recipe.clip)
    training.optimisers.step(rate_at(training.step, recipe, seconds))
    training.step += 1
    follow(training.average, training.module, memory_at(training.step, recipe))
    return float(loss.detach())


def rate_at(step: int, recipe: Recipe, seconds: float) -> float:
    """Return the rate of a step (from 0): a straight rise, then half a cosine down.

    The share that is done is that of the steps or that of the minutes, whichever is more.
    """
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    share = (step - recipe.warm_up) / max(recipe.steps - recipe.warm_up, 1)
    if recipe.minutes is not None:
        share = min(max(share, seconds / (60 * recipe.minutes)), 1.0)
    return recipe.rate * (recipe.least_rate + (1 - recipe.least_rate) * (1 + math.cos(math.pi * share)) / 2)


def memory_at(step: int, recipe: Recipe) -> float:
    """Return how much of the running average stays at a step (from 1): little at first, from random weights."""
    return min(recipe.memory, (1 + step) / (10 + step))


def is_over(recipe: Recipe, seconds: float) -> bool:
    """Tell whether the minutes are used up."""
    return recipe.minutes is not None and seconds >= 60 * recipe.minutes


def follow(average: nn.Module, module: nn.Module, memory: float) -> None:
    """Move the running average towards a network, its normalisation too, in place."""
    with torch.no_grad():
        own = average.state_dict()
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value, 1 - memory)
            else:
                own[name].copy_(value)


def look(training: Training, job: Job, device: torch.device) -> None:
    """Add a row to the history: the mean loss since the last one, and the average's Dice on held-out mice."""
    dice = dice_by_head(training.average, job.validation, device) if job.validation else []
    training.history.append([float(training.step), math.fsum(training.losses) / len(training.losses), *dice])
    training.losses.clear()


def sentence(training: Training, job: Job) -> str:
    """Return how a training goes: the last loss, and the Dice of each head on held-out mice."""
    row = training.history[-1] if training.history else []
    loss = training.losses[-1] if training.losses else row[1]
    dice = ", ".join(f"{head} {value:.3f}" for head, value in zip(job.heads, row[2:], strict=False))
    return f"{job.name}: loss {loss:.3f}" + f", Dice {dice}" * bool(dice)


def snapshot(training: Training) -> dict[str, Any]:
    """Return all that a training needs to go on: tensors, numbers and lists only."""
    return {
        "module": training.module.state_dict(),
        "average": training.average.state_dict(),
        "optimisers": training.optimisers.state_dict(),
        "step": training.step,
        "seconds": training.seconds,
        "history": training.history,
        "losses": training.losses,
    }


def restore(training: Training, state: dict[str, Any]) -> None:
    """Put a snapshot into a training of the same shape, in place."""
    training.module.load_state_dict(state["module"])
    training.average.load_state_dict(state["average"])
    training.optimisers.load_state_dict(state["optimisers"])
    training.step, training.seconds = state["step"], state["seconds"]
    training.history, training.losses = state["history"], state["losses"]


class _Clock:
    """Seconds of this run on top of those of earlier ones."""

    def __init__(self, before: float) -> None:
        self._start = time.monotonic() - before

    @property
    def seconds(self) -> float:
        """Since the training began, without the pauses."""
        return time.monotonic() - self._start


def _refuse_nan(training: Training, job: Job) -> None:
    if not math.isfinite(training.losses[-1]):
        raise InputError(
            f"the loss of the {job.name} network is no number any more at step {training.step}; "
            f"train with a lower rate than {job.recipe.rate:g}, and let 'murinoma check' look at the scans"
        )
