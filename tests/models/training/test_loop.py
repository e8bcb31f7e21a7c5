"""The loop: it learns, it goes on as if it had not been stopped, its rate and average follow their rules."""

from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from murinoma.errors import FileError, InputError, OutputError
from murinoma.models.training.examples import Example
from murinoma.models.training.sampler import Sampler
from murinoma.models.unet import UnetSpec
from tests.models.training.small_examples import TUMOR, block_example

torch = pytest.importorskip("torch", reason="the extra train is not installed")

from murinoma.models.training import loop  # noqa: E402 -- it needs torch
from murinoma.models.training.checkpoint import read_checkpoint, write_checkpoint  # noqa: E402
from murinoma.models.training.finish import export_checked  # noqa: E402
from murinoma.models.training.loss import dice_and_cross_entropy  # noqa: E402
from murinoma.models.training.validation import dice_by_head, validation_patches  # noqa: E402

EXAMPLE = block_example()
SHAPE = (12, 12, 12)
RECIPE = loop.Recipe(
    steps=6, rate=0.01, least_rate=0.01, warm_up=2, weight_decay=1e-4, clip=5.0, memory=0.9, bf16=False, seed=1,
    save_seconds=0.0, look_every=4,
)  # fmt: skip
SAMPLER = Sampler(lambda _: EXAMPLE, 3, SHAPE, 2, tumor_share=0.7, pasted_share=0.3, seed=1)


def job(folder: Path, **changes: Any) -> loop.Job:
    """Return a job for a tiny network; `changes` are those of its recipe."""
    validation = validation_patches([EXAMPLE], SHAPE, at_most=4)
    spec = UnetSpec((3, 4), heads=3)
    recipe = replace(RECIPE, **changes)
    return loop.Job(
        "fine", spec, recipe, SAMPLER, validation, ("A", "B", "consensus"), folder / "fine.pt", "these scans"
    )


def equal(one: Any, other: Any) -> bool:
    """Tell whether two snapshots hold the same bits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(torch.equal(one, other)) if isinstance(one, torch.Tensor) else one == other


def without_clock(training: loop.Training) -> dict[str, Any]:
    """Return a snapshot without the seconds, which no two runs share."""
    return {key: value for key, value in loop.snapshot(training).items() if key != "seconds"}


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("stop_at", [1, 3, 5])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path, stop_at: int, bf16: bool) -> None:
    """Weights, running average, moments, history: all equal, whether it was stopped or not, in bf16 too."""
    whole = loop.train_network(job(tmp_path / "whole", bf16=bf16))

    def stop(step: int, _of: int, _what: str) -> None:
        if step == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.train_network(job(tmp_path / "parts", bf16=bf16), tell=stop)
    torch.rand(7)  # torch's own chance plays no part
    steps: list[int] = []
    parts = loop.train_network(job(tmp_path / "parts", bf16=bf16), tell=lambda step, _of, _what: steps.append(step))
    assert steps == list(range(stop_at + 1, 7))
    assert equal(without_clock(whole), without_clock(parts))
    assert [row[0] for row in whole.history] == [4, 6]


def test_another_seed_or_rate_gives_another_network(tmp_path: Path) -> None:
    """So that the test above could fail."""
    found = [
        without_clock(loop.train_network(job(tmp_path / name, **change)))
        for name, change in (("a", {}), ("b", {"seed": 2}), ("c", {"rate": 0.02}))
    ]
    assert not equal(found[0]["module"], found[1]["module"])
    assert not equal(found[0]["module"], found[2]["module"])


def test_a_finished_training_is_only_read(tmp_path: Path) -> None:
    """A second call takes no step."""
    first = loop.train_network(job(tmp_path))
    steps: list[int] = []
    again = loop.train_network(job(tmp_path), tell=lambda step, _of, _what: steps.append(step))
    assert steps == []
    assert equal(without_clock(first), without_clock(again))


def test_it_learns_the_bright_box(tmp_path: Path) -> None:
    """After 120 steps the running average outlines a tumor that is 290 HU brighter than its surroundings."""
    image = EXAMPLE.image.copy()
    image[TUMOR] += 250
    bright = replace(EXAMPLE, image=image)
    plan = job(tmp_path, steps=120, rate=0.02, look_every=30, save_seconds=1e9)
    sampler = replace(SAMPLER, load=lambda _: bright, pasted_share=0.0)
    validation = validation_patches([bright], SHAPE, at_most=4)
    history = loop.train_network(replace(plan, sampler=sampler, validation=validation)).history
    assert history[-1][1] < 0.75 * history[0][1]
    assert min(history[-1][2:]) > 0.5


def test_what_is_made_for_the_first_batch_takes_none_of_the_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour to make the examples, then no time: with a limit of a minute all six steps are taken."""
    now = [0.0]

    def load(_: int) -> Example:
        now[0] = 3600.0
        return EXAMPLE

    monkeypatch.setattr("murinoma.models.training.loop.time.monotonic", lambda: now[0])
    plan = replace(job(tmp_path, minutes=1.0), sampler=replace(SAMPLER, load=load))
    training = loop.train_network(plan)
    assert (training.step, training.seconds) == (6, 0.0)


def test_minutes_that_are_used_up_ask_for_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps of 30 s are a minute's; called again, the network is there without a scan being read."""
    seconds = count(0.0, 30.0)
    monkeypatch.setattr("murinoma.models.training.loop.time.monotonic", lambda: next(seconds))
    plan = job(tmp_path, minutes=1.0)
    trained = loop.train_network(plan)
    assert 0 < trained.step < plan.recipe.steps

    def load(number: int) -> Example:
        raise AssertionError(number)

    again = loop.train_network(replace(plan, sampler=replace(SAMPLER, load=load)))
    assert again.step == trained.step


def test_the_rate_rises_and_falls_as_a_cosine() -> None:
    """Two steps up; in the middle half way down; at the end a hundredth. Minutes can only shorten it."""
    recipe = replace(RECIPE, steps=102, rate=1.0)
    rates = [loop.rate_at(step, recipe, 0.0) for step in range(103)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[52] == pytest.approx(0.505)
    assert rates[102] == pytest.approx(0.01)
    assert all(a >= b for a, b in pairwise(rates[2:]))
    timed = replace(recipe, minutes=1.0)
    assert loop.rate_at(12, timed, 30.0) == pytest.approx(rates[52])
    assert loop.rate_at(72, timed, 30.0) == pytest.approx(rates[72])
    assert loop.is_over(timed, 60.0)
    assert not loop.is_over(recipe, 1e9)


def test_the_average_follows_weights_and_normalisation() -> None:
    """A quarter of the way from 0 to 1 with a memory of 3/4; counters are copied. Early steps forget more."""
    module, average = (torch.nn.BatchNorm3d(2) for _ in range(2))
    with torch.no_grad():
        average.weight.zero_()
        module.running_mean.fill_(1.0)
        module.num_batches_tracked.fill_(5)
    loop.follow(average, module, 0.75)
    assert average.weight.tolist() == [0.25, 0.25]
    assert average.running_mean.tolist() == [0.25, 0.25]
    assert average.num_batches_tracked == 5
    assert loop.memory_at(1, RECIPE) == pytest.approx(2 / 11)
    assert loop.memory_at(10**6, RECIPE) == 0.9


def test_the_loss_by_hand() -> None:
    """Certain and right: nearly 0. All one half: cross entropy log 2, Dice (2 + 1) / (1 + 4 + 1) for 2 of 8 voxels."""
    targets = torch.zeros(1, 1, 2, 2, 2)
    targets[0, 0, 0, 0] = 1
    weights = torch.ones(1, 1)
    assert float(dice_and_cross_entropy(40 * targets - 20, targets, weights)) < 1e-6
    half = float(dice_and_cross_entropy(torch.zeros_like(targets), targets, weights))
    assert half == pytest.approx(np.log(2) + 1 - (2 * 1 + 1) / (4 + 2 + 1))


def test_what_is_found_where_there_is_no_tumor_costs() -> None:
    """All one half on nothing: log 2, and 4 voxels of false tumor against 0.2 % of 8; nothing found costs nothing."""
    nothing = torch.zeros(1, 1, 2, 2, 2)
    weights = torch.ones(1, 1)
    half = float(dice_and_cross_entropy(nothing, nothing, weights))
    assert half == pytest.approx(np.log(2) + 4 / (4 + 0.002 * 8))
    assert float(dice_and_cross_entropy(nothing - 20, nothing, weights)) < 1e-5


def test_an_absent_head_teaches_nothing() -> None:
    """The loss is that of the other head alone, and its gradient is 0."""
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 3, 3, 3, generator=rng).requires_grad_()
    targets = (torch.rand(2, 2, 3, 3, 3, generator=rng) > 0.5).float()
    loss = dice_and_cross_entropy(logits, targets, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    alone = dice_and_cross_entropy(logits[:, :1], targets[:, :1], torch.ones(2, 1))
    assert float(loss.detach()) == pytest.approx(float(alone.detach()))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[:, 1].abs().max() == 0
    nobody = dice_and_cross_entropy(logits, targets, torch.zeros(2, 2))
    assert float(nobody.detach()) == 0.0


def test_dice_of_a_network_that_knows() -> None:
    """One that knows the targets has Dice 1; an absent head is NaN."""
    one = validation_patches([EXAMPLE], SHAPE, at_most=4)[0]

    class Knowing:
        def eval(self) -> None:
            """Do nothing."""

        def __call__(self, image: Any) -> Any:
            """Return the targets."""
            return torch.from_numpy(one.targets) - 0.5 + 0 * image

    absent = replace(one, weights=np.array([[1, 0, 1]], np.float32))
    found = dice_by_head(Knowing(), [absent], torch.device("cpu"))
    assert found[0] == found[2] == 1.0
    assert np.isnan(found[1])


def test_a_checkpoint_holds_only_what_cannot_run(tmp_path: Path) -> None:
    """It is read with weights_only, and gives back what went in; another training's is refused."""
    path = tmp_path / "deep" / "fine.pt"
    assert read_checkpoint(path, "these scans") is None
    write_checkpoint({"step": 3, "module": {"a": torch.arange(3.0)}}, path, "these scans")
    assert equal(read_checkpoint(path, "these scans"), {"step": 3, "module": {"a": torch.arange(3.0)}})
    assert [file.name for file in path.parent.iterdir()] == ["fine.pt"]
    with pytest.raises(InputError, match="begun with other scans"):
        read_checkpoint(path, "other scans")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_said(tmp_path: Path, content: bytes) -> None:
    """One sentence, with the way out."""
    (tmp_path / "fine.pt").write_bytes(content)
    with pytest.raises(FileError, match=r"fine\.pt is damaged; --force begins the training again"):
        read_checkpoint(tmp_path / "fine.pt", "these scans")


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    """A pickled function is not loaded."""
    torch.save({"format": print}, tmp_path / "fine.pt")
    with pytest.raises(FileError, match="is damaged"):
        read_checkpoint(tmp_path / "fine.pt", "these scans")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_checkpoint({}, tmp_path / "file" / "fine.pt", "")


def test_a_network_that_reads_back_as_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written and run: within a rounding. A file that computes something else: refused."""
    pytest.importorskip("onnx", reason="the extra train is not installed")
    plan = job(tmp_path)
    training = loop.train_network(plan)
    assert export_checked(training.average, plan.spec, tmp_path / "fine.onnx", plan.validation[0]) < 0.01

    class Wrong:
        def logits(self, image: Any) -> Any:
            return np.full((3, *image.shape), 9.0, np.float32)

    monkeypatch.setattr("murinoma.models.training.finish.open_network", lambda path, backend: Wrong())
    with pytest.raises(OutputError, match="computes something else than the network that was trained"):
        export_checked(training.average, plan.spec, tmp_path / "fine.onnx", plan.validation[0])
