"""Where the annotation of a single CT is written, and where it is saved while somebody draws."""

from pathlib import Path

ENDINGS = (".gz", ".nii")


def annotation_beside(ct: Path, annotator: str = "") -> Path:
    """Return the annotation that belongs beside a CT: the study's name for it, where the CT has one and we know who.

    Examples
    --------
    >>> annotation_beside(Path("M02_8d/CT_M02_8d.nii.gz"), "A").name
    'Annotator_A_M02_8d.nii.gz'
    >>> annotation_beside(Path("mouse.nii")).name
    'mouse_annotation.nii.gz'
    """
    stem = image_stem(ct)
    if annotator and stem.startswith("CT_"):
        return ct.with_name(f"Annotator_{annotator}_{stem.removeprefix('CT_')}.nii.gz")
    return ct.with_name(f"{stem}_annotation{'_' * bool(annotator)}{annotator}.nii.gz")


def autosave_folder(annotation: Path) -> Path:
    """Return the hidden folder beside an annotation that keeps every stroke, and earlier annotations of that name."""
    return annotation.with_name(f".{image_stem(annotation)}.autosave")


def image_stem(path: Path) -> str:
    """Return the name of an image without ``.nii`` and ``.gz``."""
    stem = path.name
    for ending in ENDINGS:
        stem = stem.removesuffix(ending)
    return stem
