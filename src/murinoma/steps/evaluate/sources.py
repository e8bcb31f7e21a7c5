"""Where the masks to judge come from, and which scans their maker has learned from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from murinoma.errors import FileError, StudyError, UsageError
from murinoma.files.records import read_record
from murinoma.models.provenance import Provenance, card_path, read_provenance
from murinoma.steps import some
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import predictions_folder
from murinoma.study.foreign_masks import find_masks
from murinoma.study.model_paths import checked_name, model_folder

Key = tuple[str, str, str]
ANNOTATOR, MODEL, MASKS = "annotator", "model", "masks"
CONSENSUS = ("staple", "majority")


@dataclass(frozen=True)
class Source:
    """Masks to judge.

    Attributes
    ----------
    name
        As people call it, and the folder of its evaluation.
    kind
        ``annotator``, ``model`` (masks under ``predictions``) or ``masks`` (of another program).
    masks
        The file of each scan, by the scan's key.
    doubtful
        Key of a scan -> why none of its files can be taken.
    card
        Of a model, where there is one.
    notices
        What a user should know, one sentence each.
    """

    name: str
    kind: str
    masks: Mapping[Key, Path]
    doubtful: Mapping[Key, str]
    card: Provenance | None
    notices: tuple[str, ...]

    def judges(self, scan: Scan) -> list[str]:
        """Return the annotators of a scan who judge this source: nobody judges oneself."""
        return [name for name in scan.annotations if self.kind != ANNOTATOR or name != self.name]


def find_source(study: Study, name: str, *, masks: Path | None = None, model: Path | None = None) -> Source:
    """Return the masks of a source: of an annotator, a model, or in a folder that another program has filled.

    Parameters
    ----------
    name
        An annotator, or a model that has segmented the study; with `masks` any name.
    masks
        The folder of another program (`murinoma.study.foreign_masks` says how its files are named).
    model
        The folder of the model, if its card lies neither beside its masks nor in the study.

    Raises
    ------
    UsageError
        If there is no such source, or it is a consensus of those who would judge it.
    StudyError
        If the folder holds no mask of a scan of this study.
    FileError
        If a card or a record is damaged, or the card is not of the model that made the masks.
    """
    if masks is not None:
        return _foreign(study, checked_name(name), masks, model)
    if name in CONSENSUS:
        raise UsageError(f"'{name}' is made of the annotators who would judge it; evaluate an annotator or a model")
    if name in study.annotators:
        found = {scan.key: scan.annotations[name] for scan in study.scans if name in scan.annotations}
        return Source(name, ANNOTATOR, found, {}, None, ())
    return _predicted(study, checked_name(name), model)


def _foreign(study: Study, name: str, folder: Path, model: Path | None) -> Source:
    if name in study.annotators:
        raise UsageError(f"'{name}' is an annotator of the study; give the masks in {folder} another --source")
    found = find_masks(study, folder)
    masks = {key: paths[0] for key, paths in found.masks.items() if len(paths) == 1}
    doubtful = {
        key: f"{len(paths)} files of {folder} name this scan (first {paths[0].name}, {paths[1].name}); keep one"
        for key, paths in found.masks.items()
        if len(paths) > 1
    }
    notices = strangers_notice(found.strangers)
    card = read_provenance(card_path(model)) if model is not None else None
    return Source(name, MASKS, masks, doubtful, card, (*notices, *_unknown_training(card, name)))


def _predicted(study: Study, name: str, model: Path | None) -> Source:
    masks = {scan.key: path for scan in study.scans if (path := study.prediction_path(scan, name)).exists()}
    folder = predictions_folder(study, name)
    if not masks:
        raise _nothing_predicted(study, name, folder)
    card = _card(study, name, model)
    if card is not None:
        _check_maker(folder, card)
    return Source(name, MODEL, masks, {}, card, _unknown_training(card, name))


def _nothing_predicted(study: Study, name: str, folder: Path) -> StudyError | UsageError:
    if folder.is_dir():
        return StudyError(f"{folder} holds no mask of a scan of {study.root}; run 'murinoma segment' on this study")
    known = sorted(path.name for path in folder.parent.glob("*/")) if folder.parent.is_dir() else []
    others = [*study.annotators, *known]
    return UsageError(
        f"there is no source '{name}'; this study has {', '.join(others) or 'none'}; "
        "masks of another program are named with --masks FOLDER"
    )


def _card(study: Study, name: str, model: Path | None) -> Provenance | None:
    """Return the card of a model: the one that is named, else the copy beside its masks, else the study's own."""
    if model is not None:
        return read_provenance(card_path(model))
    places = (predictions_folder(study, name), model_folder(study, name))
    found = [card_path(place) for place in places if card_path(place).exists()]
    return read_provenance(found[0]) if found else None


def _check_maker(folder: Path, card: Provenance) -> None:
    """Refuse the card of another model than the one that made the masks, as far as their record says."""
    record = read_record(folder / "record.json")
    for entry in record.entries.values() if record is not None else ():
        made = entry.get("options", {})
        if "coarse" in made and (made["coarse"], made.get("fine")) != card.weights:
            raise FileError(
                f"{card.path} is not of the model that made the masks in {folder}: its weights have another SHA-256; "
                "segment again, or name the right model with --model"
            )


def _unknown_training(card: Provenance | None, name: str) -> tuple[str, ...]:
    if card is not None:
        return ()
    return (
        f"'{name}' has no card (model.json), so nobody knows which scans it has learned from: NONE was left out; "
        "if it has learned from scans of this study, the numbers are too good (--model FOLDER names its card)",
    )


def strangers_notice(strangers: Iterable[Path]) -> tuple[str, ...]:
    """Return a sentence about files that belong to no scan of the study, if there are any."""
    names = [path.name for path in strangers]
    if not names:
        return ()
    return (f"{some(len(names), 'file names', 'files name')} no scan of the study (first {names[0]}); not looked at",)
