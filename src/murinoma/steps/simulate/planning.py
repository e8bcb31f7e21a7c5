"""What a phantom study consists of, and where its truth stands."""

from pathlib import Path

from murinoma.phantom.cohort import DatasetPlan, StudyPlan
from murinoma.settings import SimulateSettings

TRUTH = "truth"
PER_MOUSE = 16  # in the truth of an acquisition a tumor voxel is 16 times the mouse's place plus the tumor's number


def truth_of(image: Path) -> Path:
    """Return where the true tumors of an acquisition stand."""
    return image.with_name(f"{image.name.removesuffix('.img')}_truth.nii.gz")


def n_mice(settings: SimulateSettings) -> int:
    """Return how many mice the study has."""
    return sum(dataset.mice for dataset in settings.datasets)


def study_plan(settings: SimulateSettings) -> StudyPlan:
    """Return the plan of the study."""
    datasets = tuple(
        DatasetPlan(
            name=f"Dataset {number}",
            n_mice=wanted.mice,
            times=wanted.times,
            tumors_per_mouse=wanted.tumors,
            median_mm3=wanted.median_mm3,
            log_sd=wanted.log_sd,
            growth_per_day=wanted.growth_per_day,
            site=wanted.site,
            mice_per_acquisition=wanted.mice_per_acquisition,
        )
        for number, wanted in enumerate(settings.datasets, start=1)
    )
    rule = settings.annotation
    return StudyPlan(datasets, settings.spacing_mm, air_hu=rule.air_hu, bone_hu=rule.bone_hu)
