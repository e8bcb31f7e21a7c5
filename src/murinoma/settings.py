"""Every default of the project, once: one frozen dataclass per step.

The command line reads its defaults here, the record of a step keeps the values that were used, and two
settings that differ never share a result.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RunSettings:
    """How a step goes through many scans; none of this changes a result.

    Attributes
    ----------
    workers
        Processes that work at once; 0 chooses by the number of scans and cores. More than one needs a main
        module that is safe to import (``if __name__ == "__main__":``), as always in Python.
    force
        Do again what the record shows as done.
    dry_run
        Count what would be done, and do nothing.
    """

    workers: int = 1
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class TumorSettings:
    """What is a tumor in the annotations of a scan.

    Attributes
    ----------
    speck_mm3
        A piece below this volume is a speck, no tumor of its own. The smallest published tumor has 14.4 mm3.
    reach_mm
        A piece within this distance of a tumor belongs to it.
    """

    speck_mm3: float = 10.0
    reach_mm: float = 3.0


@dataclass(frozen=True)
class AnnotationSettings:
    """The annotation protocol of Jensen et al. 2024.

    Attributes
    ----------
    air_hu, bone_hu
        The tissue rule: voxels below the first or above the second leave an annotation.
    step
        Largest distance of neighbouring drawn slices.
    least_slices
        So many slices are drawn of each tumor, if it has as many.
    """

    air_hu: float = -300.0
    bone_hu: float = 500.0
    step: int = 5
    least_slices: int = 6


@dataclass(frozen=True)
class AnnotateSettings:
    """Settings of the step `annotate`.

    Attributes
    ----------
    protocol
        In a campaign the one of its plan counts.
    window_hu
        CT values that are shown from black to white: soft tissue.
    undo_steps
        So many steps can be taken back.
    """

    protocol: AnnotationSettings = AnnotationSettings()
    window_hu: tuple[float, float] = (-160.0, 240.0)
    undo_steps: int = 200


@dataclass(frozen=True)
class CampaignSettings:
    """A blinded campaign: who annotates, and in which order.

    Attributes
    ----------
    annotators
        Their names.
    seed
        The same seed gives the same orders and codes.
    repeat_share
        Share of the scans, 0..1, that everybody meets a second time under another code.
    annotation
        The protocol that all follow.
    """

    annotators: tuple[str, ...] = ("A", "B", "C")
    seed: int = 1
    repeat_share: float = 0.0
    annotation: AnnotationSettings = AnnotationSettings()


@dataclass(frozen=True)
class SplitSettings:
    """Settings of the step `split`.

    Attributes
    ----------
    width_mm
        Width of a crop across the body: 192 voxels of 0.21 mm.
    range_hu
        CT values are clipped to this range, as the published ones are.
    isolate
        Blank what a window shows of another animal.
    calibrate
        What air and water read in this scanner, if it is not -1000 and 0 HU.
    """

    width_mm: float = 40.32
    range_hu: tuple[int, int] = (-400, 1000)
    isolate: bool = False
    calibrate: tuple[float, float] | None = None


@dataclass(frozen=True)
class AgreeSettings:
    """Settings of the step `agree`.

    Attributes
    ----------
    surface_voxels
        Surface Dice counts surfaces as one up to this distance, in the longest edge of a voxel.
    """

    tumors: TumorSettings = TumorSettings()
    surface_voxels: float = 1.0


@dataclass(frozen=True)
class MergeSettings:
    """Settings of the step `merge`: which consensus masks are written.

    Attributes
    ----------
    methods
        Any of ``staple`` and ``majority``.
    """

    methods: tuple[str, ...] = ("staple", "majority")
    tumors: TumorSettings = TumorSettings()


@dataclass(frozen=True)
class CheckSettings:
    """Limits beyond which `check` calls something odd.

    Attributes
    ----------
    volume_factor
        Largest over smallest volume that annotators give the same tumor.
    max_label
        Largest tumor number that is expected in a mask.
    jump_factor
        Change of a mouse's tumor volume that measurement alone may show between two scans.
    doubling_hours
        Fastest doubling (and halving) of a tumor that is believed; a change beyond `jump_factor` times what this
        allows in the time between two scans is a jump.
    """

    volume_factor: float = 1.5
    max_label: int = 6
    jump_factor: float = 1.5
    doubling_hours: float = 72.0
    tumors: TumorSettings = TumorSettings()


@dataclass(frozen=True)
class SegmentSettings:
    """Settings of the step `segment`.

    Attributes
    ----------
    head
        Which output of the model: an annotator's name, or ``consensus``.
    maps
        Also write where the heads of the model disagree.
    """

    head: str = "consensus"
    maps: bool = False


@dataclass(frozen=True)
class ReportSettings:
    """Settings of the step `report`; the last three keep the page under 10 MB however large the study is.

    Attributes
    ----------
    pictures
        Scans shown per dataset.
    worst
        Scans of lowest agreement that are shown.
    listed
        Scans of lowest agreement that are listed.
    sheets, sheet_bytes
        Sheets of split that are shown, and how large they may be together.
    carried_bytes
        Tables and figures that the page carries with it; larger ones lie beside it.
    """

    pictures: int = 1
    worst: int = 6
    listed: int = 100
    sheets: int = 12
    sheet_bytes: int = 3_700_000
    carried_bytes: int = 1_200_000


@dataclass(frozen=True)
class RepeatabilitySettings:
    """Settings of the step `repeatability`.

    Attributes
    ----------
    source
        Whose volumes of scans close in time are compared.
    within_hours
        Scans of a mouse that are this far apart at most should show the same tumors.
    """

    source: str = "staple"
    within_hours: float = 6.0


@dataclass(frozen=True)
class NetworkSettings:
    """One of the two networks that a model is made of, and how it is trained.

    Attributes
    ----------
    spacing_mm
        Voxel size at which it sees a scan.
    widths
        Channels of each level, from half resolution down.
    patch
        Shape of a patch, voxels.
    batch
        Patches in a step.
    steps
        Steps of its training.
    tumor_share
        Share of the patches that lie about a tumor; the others lie anywhere in the mouse.
    start
        File with the weights that it begins with; nothing for random ones.
    """

    spacing_mm: float
    widths: tuple[int, ...]
    patch: tuple[int, int, int]
    batch: int
    steps: int
    tumor_share: float
    start: str | None = None


@dataclass(frozen=True)
class TrainSettings:
    """Settings of the step `train`.

    Attributes
    ----------
    split
        What is kept together: ``mouse``, ``acquisition`` (mice that were scanned together) or ``dataset``.
    held_out
        Share of the mice that are held out; of ``dataset`` the name of the dataset.
    seed
        Of the split, the first weights, and all chance of the patches.
    minutes
        Training ends after so many, its schedule shortened; nothing for no limit.
    pasted
        Share of the patches about a tumor that get a synthetic tumor instead.
    coarse, fine
        The network that looks over the mouse, and the one that outlines.
    start
        Name or folder of a model to begin with; nothing for random weights.
    rate, least_rate
        Highest rate of learning, and what a cosine takes it down to, as a share.
    start_pace
        Share of the rate for weights that have learned before.
    warm_up
        Share of the steps over which the rate rises.
    weight_decay, clip
        How much the weights shrink, over the rate; and the largest norm of a gradient.
    memory
        Of the running average of the weights, which is the model: its decay per step.
    bf16
        Compute in bfloat16 where the processor can.
    save_seconds, look_every
        Seconds between checkpoints; steps between looks at the held-out mice.
    validation_patches
        Patches about held-out tumors that a look takes, at most.
    cache_mib
        Scans that are kept in memory, MiB.
    threads
        That make patches while the network learns.
    """

    split: str = "mouse"
    held_out: float | str = 0.2
    seed: int = 1
    minutes: float | None = None
    pasted: float = 0.0
    coarse: NetworkSettings = NetworkSettings(0.42, (32, 64, 64, 64), (64, 64, 64), 3, 1500, 0.5)
    fine: NetworkSettings = NetworkSettings(0.21, (32, 64, 64), (64, 64, 64), 3, 3000, 0.67)
    start: str | None = None
    rate: float = 5e-3
    least_rate: float = 0.01
    start_pace: float = 0.3
    warm_up: float = 0.03
    weight_decay: float = 1e-2
    clip: float = 5.0
    memory: float = 0.995
    bf16: bool = True
    save_seconds: float = 60.0
    look_every: int = 250
    validation_patches: int = 40
    cache_mib: int = 2048
    threads: int = 1

    def with_steps(self, steps: int | None) -> "TrainSettings":
        """Return these settings with so many steps of the fine network, half as many of the coarse; or as they are."""
        if steps is None:
            return self
        coarse = replace(self.coarse, steps=max(1, steps // 2))
        return replace(self, coarse=coarse, fine=replace(self.fine, steps=steps))


@dataclass(frozen=True)
class PhantomTrainSettings:
    """Settings of a training on random phantoms: how the shipped model is made.

    Attributes
    ----------
    training
        As for a study; its split and its share of held-out mice do not count here.
    mice, cubes
        Random mice that the coarse network sees, and random cubes that the fine one sees, again and again.
    cube
        Side of a cube, voxels: a patch that is turned, tilted and larger fits into it.
    cubes_per_mouse
        Of one mouse: one about each tumor, the others about what the coarse network takes for one and is none.
    unseen
        Mice that neither learns from, to look at.
    workers
        Processes that make phantoms.
    """

    training: TrainSettings = TrainSettings(
        seed=1,
        minutes=92.0,
        start_pace=0.5,
        warm_up=0.005,
        coarse=NetworkSettings(0.42, (32, 64, 64, 64), (64, 64, 64), 3, 26000, 0.6),
        fine=NetworkSettings(0.21, (32, 64, 64), (64, 64, 64), 3, 20000, 0.75),
        validation_patches=40,
    )
    mice: int = 1300
    cubes: int = 1100
    cube: int = 112
    cubes_per_mouse: int = 2
    unseen: int = 32
    workers: int = 2


@dataclass(frozen=True)
class PhantomDataset:
    """One dataset of a phantom study.

    Attributes
    ----------
    mice
        Number of mice.
    times
        Time points at which every mouse is scanned.
    tumors
        Tumors per mouse, 1 or 2.
    median_mm3, log_sd
        Tumor volume at the first time point: median, mm3, and standard deviation of its natural logarithm.
    growth_per_day
        Mean exponential growth rate of the tumors.
    site
        ``flank`` or ``foreleg``.
    mice_per_acquisition
        How many mice share an acquisition, and so a group folder.
    """

    mice: int
    times: tuple[str, ...]
    tumors: int
    median_mm3: float
    log_sd: float
    growth_per_day: float
    site: str = "flank"
    mice_per_acquisition: int = 2


@dataclass(frozen=True)
class SimulateSettings:
    """The phantom study of the demo: large tumors as in the paper's Dataset 8, small ones as in its Dataset 10.

    Attributes
    ----------
    seed
        The same seed and settings give the same study to the byte.
    spacing_mm
        Voxel size; the published scans have 0.21 mm.
    scanner_files
        What the scanner writes, where acquisitions are simulated: ``inveon`` or ``dicom``.
    """

    seed: int = 1
    spacing_mm: float = 0.21
    scanner_files: str = "inveon"
    datasets: tuple[PhantomDataset, ...] = (
        PhantomDataset(4, ("0d", "8d"), 1, median_mm3=350.0, log_sd=0.6, growth_per_day=0.05, site="foreleg"),
        PhantomDataset(4, ("0d", "13d"), 2, median_mm3=90.0, log_sd=0.4, growth_per_day=0.02, mice_per_acquisition=4),
    )
    annotation: AnnotationSettings = AnnotationSettings()
    campaign: CampaignSettings = CampaignSettings(repeat_share=0.25)


@dataclass(frozen=True)
class GrowthSettings:
    """Settings of the step `growth`; one that is left as it is here gives way to the study's ``plan.toml``.

    Attributes
    ----------
    source
        Whose volumes count, of those in ``volumes.csv``: an annotator, ``staple``, a model.
    column, unit, formula
        Of a table of volumes from elsewhere: which column holds them, their unit, and how calipers become a volume.
    limit_mm3
        A volume below it is known to be below it, and nothing more (left-censored). Smaller pieces are specks.
    sd_change
        Standard deviation of the log change of two volumes by measurement alone, where the study has no measurement of
        its own: the published scans up to 6 h apart.
    baseline_day
        A change is a change since this day.
    day
        At which the arms are compared; nothing: the last day with all mice of both arms alive.
    control
        The arm that the others are compared with; empty: the one that is called control, vehicle, or so.
    multiple
        The n of the time to n-fold volume.
    flag_mm3, shout_mm3
        Limits of animal welfare.
    least_response_days
        From so many days after the baseline on, a response counts (Gao et al. 2015).
    alpha, power
        Level of the tests, and power, for planning the next study.
    effect
        What the next study shall find: a growth rate lower by this share.
    seed
        Of the resampling.
    unseal
        Open the key of the assignment, so that the codes of the arms become their names.
    """

    source: str = "staple"
    column: str = ""
    unit: str = ""
    formula: str = ""
    limit_mm3: float = 10.0
    sd_change: float = 0.104
    baseline_day: float = 0.0
    day: float | None = None
    control: str = ""
    multiple: float = 2.0
    flag_mm3: float = 1500.0
    shout_mm3: float = 2000.0
    least_response_days: float = 10.0
    alpha: float = 0.05
    power: float = 0.8
    effect: float = 0.5
    seed: int = 2024
    unseal: bool = False


@dataclass(frozen=True)
class AssignSettings:
    """Settings of the step `assign`.

    Attributes
    ----------
    arms
        Their names, two or more.
    seed
        The same seed and volumes give the same assignment.
    source, column, unit, formula
        Whose volumes count, as in `GrowthSettings`.
    day
        Of the scans that count as baseline.
    least_mm3, most_mm3
        Mice whose baseline volume lies outside are not assigned.
    """

    arms: tuple[str, ...]
    seed: int = 1
    source: str = "staple"
    column: str = ""
    unit: str = ""
    formula: str = ""
    day: float = 0.0
    least_mm3: float = 0.0
    most_mm3: float = float("inf")


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of the step `evaluate`; what the verdict asks for is fixed and stands with it.

    Attributes
    ----------
    surface_voxels
        As for `agree`.
    found_dice
        A tumor is found if what was drawn for it has this Dice with the majority; less is a graze.
    false_mm3
        A lesion that nobody marked counts as false if it is larger.
    sizes_mm3
        Where one class of tumor sizes ends and the next begins.
    seed
        Of the resampling of mice: the same tables give the same intervals.
    """

    tumors: TumorSettings = TumorSettings()
    surface_voxels: float = 1.0
    found_dice: float = 0.1
    false_mm3: float = 10.0
    sizes_mm3: tuple[float, ...] = (30.0, 100.0, 300.0, 1000.0)
    seed: int = 2024


@dataclass(frozen=True)
class CalibrateSettings:
    """Settings of the step `calibrate`.

    Attributes
    ----------
    coverage
        Share of the tumors whose volume by the annotators should lie in the interval.
    species
        Of the animals; an interval is given to the same species only.
    splits
        Random splits of the mice on which the coverage is measured.
    seed
        Of these splits.
    """

    coverage: float = 0.9
    species: str = "mouse"
    splits: int = 200
    seed: int = 2024


@dataclass(frozen=True)
class ReviewSettings:
    """Settings of the step `review`.

    Attributes
    ----------
    source
        Whose masks are to be looked at; empty for the annotators' consensus.
    """

    source: str = ""
