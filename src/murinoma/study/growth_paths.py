"""Where an assignment of mice to arms lies in a study, and the files of people that growth reads.

The assignment is ``STUDY/assignment``, whatever ``--out`` says: it is made once, and no computed step replaces it.
"""

from pathlib import Path

from murinoma.study.values import Study, dataset_name

GROWTH, ASSIGNMENT = "growth", "assignment"
ARM_KEY_FORMAT = "murinoma.arm-key/1"  # of the sealed key


def people_folder(study: Study) -> Path:
    """Return the folder in which ``mice.csv``, ``events.csv`` and ``plan.toml`` lie: beside the datasets."""
    inside = any(dataset_name(child.name) for child in study.root.iterdir())
    return study.root.parent if dataset_name(study.root.name) and not inside else study.root


def assignment_folder(root: Path) -> Path:
    """Return the folder of the assignment."""
    return root / ASSIGNMENT


def assignment_path(root: Path) -> Path:
    """Return the table of mice and the codes of their arms."""
    return assignment_folder(root) / "assignment.csv"


def sealed_key_path(root: Path) -> Path:
    """Return the file that says which code is which arm, sealed."""
    return assignment_folder(root) / "key.sealed.json"


def unsealed_path(root: Path) -> Path:
    """Return the record of when the key was opened, with the key."""
    return assignment_folder(root) / "unsealed.json"


def growth_folder(study: Study) -> Path:
    """Return the folder of the results of growth."""
    return study.step_folder(GROWTH)


def identity_path(study: Study, source: str) -> Path:
    """Return the table that says how sure the numbers of a model's tumors are; only models have one."""
    return study.step_folder("predictions") / source / "identity.csv"


def repeatability_path(study: Study) -> Path:
    """Return the table that says how far volumes move by measurement alone."""
    return study.step_folder("repeatability") / "repeatability.csv"


def assignment_flow_path(root: Path) -> Path:
    """Return the table of the mice that were assessed, not assigned and assigned."""
    return assignment_folder(root) / "flow.csv"
