"""Segment one scan of real size, file to mask, stage by stage, beside a U-Net of TumSeg's shape: seconds and memory.

With a trained model (``--model``, or the shipped one) the passes are as for a user. Without one the weights are
random: they cost what trained ones cost. So that the fine pass has something to do, the coarse network is run and its
answer replaced by the truth of the phantom; the fine network is run on what follows from it.
``python benchmarks/segment_scan.py --coarse 32,64,64 --fine 32,32,64`` tries other widths.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from timing import Row

from murinoma.files import nifti
from murinoma.models.backends import Backend
from murinoma.models.body_view import view_of
from murinoma.models.candidates import candidate_boxes
from murinoma.models.export import read_spec
from murinoma.models.folder import ModelCard, NetworkCard, network_path, read_card, write_card
from murinoma.models.grids import carry
from murinoma.models.lesions import lesion_labels
from murinoma.models.runtime import CoarseToFine, load_segmenter, placed
from murinoma.models.scan import Scan
from murinoma.models.segmenter import CONSENSUS, Prediction
from murinoma.models.shipped import shipped_models
from murinoma.models.unet import UnetSpec, count_parameters
from murinoma.pages.prediction_picture import PredictionView, prediction_png
from murinoma.phantom.cohort import DatasetPlan, StudyPlan, plan_scans, render
from murinoma.steps.segment.work import heads_disagreement, soft_dice_of
from murinoma.volume import Volume

Array = npt.NDArray[Any]
SLICES = 450  # as the published scans; the phantom's field has a few more
HEADS = ("A", "B", "C", "consensus")
RANDOM = "random"  # the name of a model that has learned nothing
COARSE, FINE = UnetSpec().widths, UnetSpec().widths
TUMSEG_PASSES = 106  # that its uncertainty takes
TIMES = 5  # calls in the warm process; the fastest counts
STAGES = ("read", "prepare", "coarse pass", "fine pass", "place", "lesions", "body", "preview", "write")


def write_scan(folder: Path) -> tuple[Path, Path]:
    """Write the CT of a phantom with two tumors, 192 x 192 x 450 voxels, and its truth; return both paths."""
    plan = StudyPlan((DatasetPlan("Dataset 1", 1, tumors_per_mouse=2),), spacing_mm=0.21, air_hu=-300, bone_hu=500)
    scan = render(plan_scans(plan, 3)[0])
    box = (slice(0, SLICES), slice(None), slice(None))
    paths = folder / "ct.nii.gz", folder / "truth.nii.gz"
    for volume, path in zip((scan.ct, scan.truth), paths, strict=True):
        nifti.write(volume.crop(box), path)
    return paths


def write_model(folder: Path, coarse: tuple[int, ...], fine: tuple[int, ...]) -> Path:
    """Write a model with random weights that finds nothing: no box grows."""
    import torch

    from murinoma.models.export import export_onnx
    from murinoma.models.unet import build_unet

    torch.manual_seed(0)
    folder.mkdir()
    for name, spec in (("coarse", UnetSpec(coarse, heads=1)), ("fine", UnetSpec(fine, heads=len(HEADS), channels=2))):
        module = build_unet(spec)
        with torch.no_grad():
            module.head.bias.fill_(-20)
        export_onnx(module.eval(), spec, network_path(folder, name))
    networks = NetworkCard(0.42), NetworkCard(0.21)
    write_card(folder, ModelCard(RANDOM, HEADS, *networks, (), "none", "nothing", "its weights are random"))
    return folder


def ours(model: Path, ct: Path, truth: Path, backend: Backend) -> dict[str, float]:
    """Return the seconds of each stage of the fastest of some calls, and of the start."""
    start = time.perf_counter()
    segmenter = load_segmenter(model, backend)
    opened = time.perf_counter() - start
    told = None if segmenter.card.name != RANDOM else nifti.read_volume(truth).voxels > 0
    calls = [stages(segmenter, ct, told) for _ in range(TIMES)]
    best = min(calls, key=lambda seconds: sum(seconds[name] for name in STAGES))
    return {**best, "start": opened, "first": sum(calls[0][name] for name in STAGES)}


def stages(segmenter: CoarseToFine, path: Path, truth: Array | None) -> dict[str, float]:
    """Return the seconds of each stage of one call, the voxels of the fine pass, and the lesions found.

    With a `truth` it takes the place of what the networks say.
    """
    seconds: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds[name] = time.perf_counter() - start
        return result

    ct = timed("read", lambda: nifti.read_volume(path))
    scan = timed("prepare", lambda: segmenter.made_ready(ct.voxels, ct.spacing_mm))
    suspicion = timed("coarse pass", lambda: segmenter.look_over(scan))
    suspicion = suspicion if truth is None else coarse_truth(scan, truth)
    boxes = candidate_boxes(suspicion, scan.corner, scan.coarse, scan.fine, segmenter.candidates)
    refined = timed("fine pass", lambda: segmenter.outline(scan, suspicion, boxes))
    patches = timed("place", lambda: placed(scan, suspicion, refined))
    if truth is not None:
        heads = len(segmenter.heads)
        patches = tuple(replace(patch, probabilities=heads_of(truth[patch.box], heads)) for patch in patches)
    found = Prediction(scan.own.shape, scan.own.spacing_mm, segmenter.heads, patches, scan.anchor_hu)
    labels, lesions = timed("lesions", lambda: lesion_labels(found))
    timed("uncertainty", lambda: (soft_dice_of(found, labels, CONSENSUS), heads_disagreement(found)))
    body = timed("body", lambda: view_of(scan, labels))
    volumes = {number: place.volume_mm3 for number, place in body.places.items()}
    view = PredictionView("a phantom", ct.voxels, labels, ct.spacing_mm, ("R", "L"), True, volumes)
    timed("preview", lambda: path.with_name("preview.png").write_bytes(prediction_png(view)))
    timed("write", lambda: nifti.write(ct.with_voxels(labels), path.with_name("mask.nii.gz")))
    kept = float(sum(not lesion.dropped for lesion in lesions))
    return {**seconds, "voxels": float(sum(values[0].size for _, values in refined)), "lesions found": kept}


def coarse_truth(scan: Scan, truth: Array) -> npt.NDArray[np.float32]:
    """Return what a coarse network that knows the truth would say."""
    return carry(truth, scan.own.whole, scan.own, scan.coarse, scan.box)


def heads_of(truth: Array, heads: int) -> npt.NDArray[np.float16]:
    """Return probabilities of all heads that say the truth."""
    return np.repeat(truth[None], heads, axis=0).astype(np.float16)


def tumseg_shaped(path: Path) -> dict[str, float]:
    """Return the seconds of a U-Net of TumSeg's shape with its pre- and post-processing, file to mask, in torch."""
    import torch
    from scipy import ndimage

    network = tumseg_network().eval()
    start = time.perf_counter()
    ct = nifti.read_volume(path)
    clipped = np.clip(ct.voxels.astype(np.float32), -400, 400)
    scaled = ndimage.zoom((clipped + 400) / 800, 0.5, order=1)
    begun = time.perf_counter()
    with torch.inference_mode():
        logits = network(torch.from_numpy(scaled[None, None]))
        probability = torch.softmax(logits, 1)[0, 1].numpy()
    one_pass = time.perf_counter() - begun
    mask = ndimage.zoom(probability, 2, order=1) > 0.5
    ndimage.label(mask)
    nifti.write(Volume(mask.astype(np.uint8), ct.affine), path.with_name("theirs.nii.gz"))
    return {"total": time.perf_counter() - start, "network": one_pass}


def tumseg_network() -> Any:
    """Return a 3D U-Net of four levels, 64/128/256/512 wide, 16.3 M parameters, with random weights."""
    import torch
    from torch import nn

    def level(first: int, middle: int, last: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for a, b in ((first, middle), (middle, last)):
            layers += [nn.Conv3d(a, b, 3, padding=1, bias=False), nn.BatchNorm3d(b), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers)

    class Network(nn.Module):  # type: ignore[misc] # torch is not followed
        def __init__(self) -> None:
            super().__init__()
            sizes = ((1, 32, 64), (64, 64, 128), (128, 128, 256), (256, 256, 512))
            self.down = nn.ModuleList(level(*size) for size in sizes)
            self.up = nn.ModuleList(level(a, b, b) for a, b in ((768, 256), (384, 128), (192, 64)))
            self.head = nn.Conv3d(64, 2, 1)

        def forward(self, value: Any) -> Any:
            skips: list[Any] = []
            for number, down in enumerate(self.down):
                value = down(nn.functional.max_pool3d(value, 2) if number else value)
                skips.append(value)
            for skip, up in zip(skips[-2::-1], self.up, strict=True):
                value = up(torch.cat([skip, nn.functional.interpolate(value, skip.shape[2:])], 1))
            return self.head(value)

    return Network()


def in_a_process(*arguments: str) -> dict[str, float]:
    """Return what this module measures in a process of its own, with its peak memory (bytes)."""
    command = [sys.executable, __file__, "child", *arguments]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return dict(json.loads(said))


def child(arguments: list[str]) -> None:
    """Measure, and print the result with the peak memory of this process as JSON."""
    kind, *rest = arguments
    if kind == "tumseg":
        measured = tumseg_shaped(Path(rest[0]))
    else:
        library, precision, model, ct, truth = rest
        backend = Backend(library, "cpu", precision)  # type: ignore[arg-type] # words of a command line
        measured = ours(Path(model), Path(ct), Path(truth), backend)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(json.dumps({**measured, "peak": int(status["VmHWM"].split()[0]) * 1024}))


def shipped() -> Path | None:
    """Return the folder of the shipped model, if there is one."""
    return shipped_models().get("xeno-0")


def rows(
    model: Path | None = None,
    *,
    coarse: tuple[int, ...] = COARSE,
    fine: tuple[int, ...] = FINE,
    theirs: bool = True,
) -> Iterator[Row]:
    """Yield the stages in bf16, the totals of the other ways, and the ratio to a U-Net of TumSeg's shape.

    `model` is a trained one; without it the shipped one counts, or one with random weights of these widths.
    """
    with tempfile.TemporaryDirectory() as folder:
        ct, truth = write_scan(Path(folder))
        model = model or shipped() or write_model(Path(folder) / "model", coarse, fine)
        specs = [read_spec(network_path(model, network)) for network in ("coarse", "fine")]
        n_parameters = sum(count_parameters(spec) for spec in specs)
        megabytes = sum(path.stat().st_size for path in model.iterdir()) / 1e6
        named = ", ".join(f"{name} {spec.widths}" for name, spec in zip(("coarse", "fine"), specs, strict=True))
        yield Row(f"segment with {read_card(model).name}: {named}", f"{n_parameters / 1e6:.2f} M", "<= 2.5 M", "")
        yield Row("  model folder", f"{megabytes:.2f} MB", "< 5 MB", "")
        found = {}
        for library, precision in (("openvino", "bf16"), ("openvino", "f32"), ("torch", "bf16"), ("torch", "f32")):
            found[library, precision] = in_a_process("ours", library, precision, str(model), str(ct), str(truth))
            yield from our_rows(found[library, precision], f"{library} {precision}")
        if theirs:
            yield from their_rows(in_a_process("tumseg", str(ct)), found["openvino", "bf16"])


def our_rows(measured: dict[str, float], by: str) -> Iterator[Row]:
    """Yield what one back end takes, stage by stage."""
    total = sum(measured[name] for name in STAGES)
    parts = ", ".join(f"{name} {measured[name] * 1000:.0f}" for name in STAGES)
    yield Row(f"  {by}: file to mask in a warm process", f"{total:.2f} s", "< 1.5 s", "")
    fine = f"{measured['voxels'] / 1e6:.2f} M fine voxels, {measured['lesions found']:.0f} tumors"
    yield Row(f"    {parts} ms", fine, "", "")
    share = f"{100 * measured['uncertainty'] / total:.1f} % ({measured['uncertainty'] * 1000:.1f} ms)"
    yield Row("    soft Dice and disagreement of the heads beside it, from the same pass", share, "< 10 %", "")
    yield Row("    peak memory", f"{measured['peak'] / 2**30:.2f} GiB", "< 1.5 GiB", "")
    yield Row("    opening the model; the first scan", f"{measured['start']:.2f} s; {measured['first']:.2f} s", "", "")


def their_rows(theirs: dict[str, float], our: dict[str, float]) -> Iterator[Row]:
    """Yield the ratios to a U-Net of TumSeg's shape."""
    total = sum(our[name] for name in STAGES)
    ratio = f"{theirs['total'] / total:.0f} x ({theirs['total']:.1f} s / {total:.2f} s)"
    yield Row("  against a U-Net of TumSeg's shape in torch fp32 (random weights)", ratio, "", "TumSeg's network")
    memory = f"{theirs['peak'] / our['peak']:.1f} x ({theirs['peak'] / 2**30:.2f} / {our['peak'] / 2**30:.2f} GiB)"
    yield Row("    its peak memory", memory, "", "")
    passes = theirs["network"] * TUMSEG_PASSES
    ratio = f"{passes / our['uncertainty']:,.0f} x ({passes / 60:.0f} min / {our['uncertainty'] * 1000:.1f} ms)"
    yield Row(f"    uncertainty by its {TUMSEG_PASSES} passes, one of them measured", ratio, "", "TumSeg's network")


def widths(text: str) -> tuple[int, ...]:
    """Return the widths in ``16,32,64``."""
    return tuple(map(int, text.split(",")))


def main() -> None:
    """Print the rows for the widths that are asked for."""
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--coarse", type=widths, default=COARSE)
    parser.add_argument("--fine", type=widths, default=FINE)
    parser.add_argument("--no-tumseg", action="store_true")
    options = parser.parse_args()
    for row in rows(options.model, coarse=options.coarse, fine=options.fine, theirs=not options.no_tumseg):
        print(f"{row.what:86}{row.measured:38}{row.asked:15}{row.against}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
