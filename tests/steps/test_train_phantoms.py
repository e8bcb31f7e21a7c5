"""Training on random phantoms: what it writes, that it follows from the seed, what its examples show."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from murinoma.errors import StudyError, UsageError
from murinoma.models.export import read_weights
from murinoma.models.folder import network_path, read_card, write_card
from murinoma.models.runtime import load_segmenter
from murinoma.phantom.random_mouse import random_mouse
from murinoma.settings import NetworkSettings, PhantomTrainSettings, RunSettings, TrainSettings

pytest.importorskip("torch", reason="the extra train is not installed")
pytest.importorskip("onnx", reason="the extra train is not installed")

from murinoma.steps.train.phantoms import FIRST_CUBE, cube_examples, mouse_examples, train_on_phantoms

TINY = PhantomTrainSettings(
    training=TrainSettings(
        coarse=NetworkSettings(1.68, (2, 4), (16, 16, 16), 1, 2, 0.5),
        fine=NetworkSettings(0.84, (2, 4), (16, 16, 16), 1, 2, 0.5),
        bf16=False,
    ),
    mice=2,
    cubes=2,
    cube=24,
    unseen=2,
    workers=1,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that has hardly learned anything."""
    target = tmp_path_factory.mktemp("models") / "tiny-1"
    train_on_phantoms(target, settings=TINY)
    return target


def test_it_writes_a_model_that_runs(model: Path) -> None:
    """The card says that no real scan was used; the model takes a scan; checkpoints are gone, the history stays."""
    card = read_card(model)
    assert (card.name, card.heads, card.training_cts) == ("tiny-1", ("consensus",), ())
    assert "random phantoms" in card.tried_on
    assert "no real mouse" in card.limits
    scan = random_mouse(5, spacing_mm=0.5)
    assert load_segmenter(model).predict(scan.ct.voxels, scan.ct.spacing_mm).shape == scan.ct.shape
    assert [path.name for path in model.with_name("tiny-1.training").iterdir()] == ["history.csv"]


def test_the_seed_decides_it(model: Path, tmp_path: Path) -> None:
    """The same settings give the same bytes, whatever the processes; another seed gives other weights."""
    for name, seed, workers in (("tiny-1", 1, 2), ("tiny-2", 2, 1)):
        settings = replace(TINY, training=replace(TINY.training, seed=seed), workers=workers)
        train_on_phantoms(tmp_path / name, settings=settings)
    first, again, other = (
        (folder / "fine.onnx").read_bytes() for folder in (model, tmp_path / "tiny-1", tmp_path / "tiny-2")
    )
    assert first == again
    assert first != other


def test_it_begins_with_the_weights_of_a_model(model: Path, tmp_path: Path) -> None:
    """At a rate of nothing the kernels stay those of the model, which the card names."""
    training = replace(TINY.training, seed=2, start=str(model), rate=0.0)
    train_on_phantoms(tmp_path / "tiny-2", settings=replace(TINY, training=training))
    assert "it began with the weights of tiny-1" in read_card(tmp_path / "tiny-2").tried_on
    for network in ("coarse", "fine"):
        first, second = (read_weights(network_path(folder, network)) for folder in (model, tmp_path / "tiny-2"))
        for name in (name for name in first if name.endswith("conv.weight")):
            np.testing.assert_array_equal(first[name], second[name])


def test_a_model_that_has_seen_real_scans_is_no_start(model: Path, tmp_path: Path) -> None:
    """The card of what would come out says that it has seen nobody's scan."""
    real = tmp_path / "real-1"
    shutil.copytree(model, real)
    write_card(real, replace(read_card(model), training_cts=("ab", "cd")))
    with pytest.raises(UsageError, match="real-1 has learned from 2 real scans"):
        train_on_phantoms(tmp_path / "next", settings=replace(TINY, training=replace(TINY.training, start=str(real))))


def test_a_model_is_replaced_only_by_force(model: Path) -> None:
    """The sentence names the folder and the option."""
    before = read_card(model)
    with pytest.raises(StudyError, match=r"tiny-1\); name another folder, or --force"):
        train_on_phantoms(model, settings=TINY)
    train_on_phantoms(model, settings=TINY, how=RunSettings(force=True))
    assert read_card(model) == before


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before anything is trained."""
    with pytest.raises(UsageError, match="cannot name a model"):
        train_on_phantoms(tmp_path / "my model", settings=TINY)


def test_examples_show_what_was_painted(model: Path) -> None:
    """A cube's target is the tumor, which is no air; places to look at lie in it, near the middle of the cube.

    The first cubes of a mouse lie about its tumors, the others elsewhere.
    """
    settings = replace(TINY, cube=48)
    mice = [cube_examples(seed, settings, model / "coarse.onnx") for seed in range(FIRST_CUBE, FIRST_CUBE + 6)]
    assert {len(cubes) for cubes in mice} == {settings.cubes_per_mouse}
    shown = [cubes[0] for cubes in mice if cubes[0].tumors]
    assert len(shown) >= 3
    assert any(not cubes[-1].tumors for cubes in mice)
    for cube in shown:
        tumor = np.zeros(cube.image.shape, np.uint8)
        tumor[cube.box] = cube.targets[0]
        assert cube.image.shape == (48, 48, 48)
        assert abs(float(np.median(cube.image[tumor > 0])) - cube.anchor_hu) < 150
        assert (tumor[tuple(cube.tumors[0].T)] > 0).all()
        assert np.abs(cube.tumors[0] - 24).max() <= 6


def test_a_whole_mouse_shows_all_its_tumors() -> None:
    """As many pieces at most as were painted, and the volume of all of them."""
    settings = replace(TINY, training=replace(TINY.training, coarse=replace(TINY.training.coarse, spacing_mm=0.84)))
    (mouse,), truth = mouse_examples(3, settings), random_mouse(3, spacing_mm=0.84).truth
    assert mouse.targets.sum() / 255 == np.count_nonzero(truth.voxels)
    assert 0 < len(mouse.tumors) <= truth.voxels.max()
