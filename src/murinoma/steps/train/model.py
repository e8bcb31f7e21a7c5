"""What a training leaves: the model folder with its card, and the tables of its split and its history."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from murinoma.errors import OutputError
from murinoma.files.tables import write_table
from murinoma.models.folder import ModelCard, NetworkCard, network_path, write_card
from murinoma.models.training.sampler import Patches
from murinoma.settings import TrainSettings
from murinoma.steps import finite, key_columns, some
from murinoma.steps.train.material import Material
from murinoma.steps.train.networks import Trained, last_dice
from murinoma.study.splits import mouse_of

LICENCE = "as the scans that it was trained on; their owner decides"
LIMITS = "for research only; it knows scanners, voxel sizes and sites of tumors like those it was trained on"


def finish(target: Path, card: ModelCard, networks: tuple[Trained, Trained], folder: Path) -> None:
    """Write the history to `folder` and the model to `target`, then remove the checkpoints and what lies beside them.

    Raises
    ------
    OutputError
        If the model cannot be written, or a file computes something else than its network.
    """
    write_table(history_table(networks), folder / "history.csv")
    write_model(target, card, networks)
    for trained in networks:
        for kept in (trained.job.checkpoint, trained.job.onnx):
            kept.unlink(missing_ok=True)


def write_model(target: Path, card: ModelCard, networks: tuple[Trained, Trained]) -> None:
    """Write the model folder beside its place, then move it there: it is whole or not there at all.

    Raises
    ------
    OutputError
        If it cannot be written, or a file computes something else than its network.
    """
    from murinoma.models.training.finish import export_checked

    fresh = target.with_name(f".{target.name}.tmp")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for trained in networks:
            module, path = trained.training.average, network_path(fresh, trained.job.name)
            export_checked(module, trained.job.spec, path, _one_patch(trained))
        write_card(fresh, card)
        if target.exists():
            shutil.rmtree(target)
        fresh.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; free space, and run it again") from error


def _one_patch(trained: Trained) -> Patches:
    """Return a patch to check the file with: of a held-out mouse, if there is one."""
    validation = trained.job.validation
    return validation[0] if validation else trained.job.sampler.patches(0)


def study_card(
    name: str,
    material: Material,
    networks: tuple[Trained, Trained],
    settings: TrainSettings,
    start: ModelCard | None = None,
) -> ModelCard:
    """Return the card of a model that was trained on a study; what its `start` has learned from counts as well."""
    coarse, fine = networks
    own = [one.sha256[one.scan.ct.name] for one in material.training if one.scan.ct is not None]
    before = (start.training_cts, f"; it began with the weights of {start.name}") if start else ((), "")
    held_out = [one.scan for one in material.held_out]
    mice = len({mouse_of(scan) for scan in held_out})
    return ModelCard(
        name=name,
        heads=tuple(fine.job.heads),
        coarse=NetworkCard(coarse.spacing_mm),
        fine=NetworkCard(fine.spacing_mm),
        training_cts=tuple(dict.fromkeys([*own, *before[0]])),
        licence=LICENCE,
        tried_on=f"{some(len(held_out), 'scan')} of {some(mice, 'held-out mouse', 'held-out mice')} (split by "
        f"{settings.split}, seed {settings.seed}); Dice in {some(len(fine.job.validation), 'patch', 'patches')} about "
        f"their tumors: {dice_in_words(fine)}; whole scans were not judged: murinoma evaluate does that",
        limits=f"{LIMITS}: {some(len(material.training), 'scan')} of {', '.join(_datasets(material))}{before[1]}",
    )


def dice_in_words(trained: Trained) -> str:
    """Return the Dice of each head at the end of a training."""
    known = [(head, value) for head, value in last_dice(trained).items() if value is not None]
    return ", ".join(f"{head} {value:.3f}" for head, value in known) or "none"


def _datasets(material: Material) -> list[str]:
    return list(dict.fromkeys(one.scan.dataset for one in material.training))


def split_table(material: Material) -> pd.DataFrame:
    """Return one row per scan: whether it taught, or was held out."""
    sides = (("training", material.training), ("held out", material.held_out))
    return pd.DataFrame([{**key_columns(one.scan), "side": side} for side, scans in sides for one in scans])


def history_table(networks: Sequence[Trained]) -> pd.DataFrame:
    """Return one row per look at the held-out mice: mean loss since the last one, Dice of each head."""
    return pd.DataFrame(
        [
            {"network": one.job.name, "step": int(row[0]), "loss": row[1]}
            | {f"dice_{head}": finite(value) for head, value in zip(one.job.heads, row[2:], strict=False)}
            for one in networks
            for row in one.training.history
        ]
    )
