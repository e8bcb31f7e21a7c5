"""Keep the state of a training in a file, whole or not at all: tensors, numbers and lists, nothing that runs."""

import pickle
from pathlib import Path
from typing import Any

import torch

from murinoma.errors import FileError, InputError
from murinoma.files.atomic import atomic_file

FORMAT = "murinoma.checkpoint/1"


def write_checkpoint(state: dict[str, Any], path: Path, begun_with: str) -> None:
    """Write a state; an older checkpoint stays as it was until the new one is complete.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_file(path, remedy="free space, the same command goes on") as stream:
        torch.save({"format": FORMAT, "begun_with": begun_with, "state": state}, stream)


def read_checkpoint(path: Path, begun_with: str) -> dict[str, Any] | None:
    """Return the state in a checkpoint, or nothing if there is no such file.

    Raises
    ------
    FileError
        If the file is damaged, or of another format.
    InputError
        If it was begun with other scans or settings.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        known, kept_with, state = content["format"], content["begun_with"], content["state"]
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise FileError(f"{path} is damaged; --force begins the training again") from error
    if known != FORMAT:
        raise FileError(f"{path} has format '{known}', this murinoma reads '{FORMAT}'; update murinoma")
    if kept_with != begun_with:
        raise InputError(
            f"{path} was begun with other scans, settings or another version; "
            "--force begins again, and the same scans and options go on from it"
        )
    found: dict[str, Any] = state
    return found
