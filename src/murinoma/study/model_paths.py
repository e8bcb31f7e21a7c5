"""Where models that were trained on a study lie in it.

The folder is ``STUDY/models/NAME``, whatever ``--out`` says: a model is used long after the results around it were made
anew.
"""

import re
from pathlib import Path

from murinoma.errors import UsageError
from murinoma.study.values import Study

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def model_folder(study: Study, name: str) -> Path:
    """Return the folder of a model that is trained on a study.

    Raises
    ------
    UsageError
        If the name cannot be that of a folder everywhere.
    """
    return study.root / "models" / checked_name(name)


def folder_if_named(study: Study | None, text: str) -> Path | None:
    """Return where a study would keep a model, or nothing without a study, or where the text is no name but a path."""
    return None if study is None or not NAME.fullmatch(text) else model_folder(study, text)


def training_folder(study: Study, name: str) -> Path:
    """Return where the training of a model keeps its checkpoints and its history."""
    return study.step_folder("training") / checked_name(name)


def checked_name(name: str) -> str:
    """Return a name of a model, if it can be that of a folder on every system.

    Raises
    ------
    UsageError
        If it is empty, too long, or has other than letters, digits and ``. _ + -`` in it.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name a model; use letters, digits and . _ + -, 64 at most, such as flank-1")
    return name
