"""A sitting in a viewer: layers show it, strokes and keys change it. It needs no window: a `ViewerModel` will do."""

from collections.abc import Callable
from functools import partial
from typing import Any

from murinoma.errors import MurinomaError
from murinoma.steps.annotate import Change, OpenScan, Shown, Sitting
from murinoma.ui.napari import actions
from murinoma.ui.napari.layers import (
    CT,
    GHOST,
    REMOVED,
    TUMORS,
    middle_of,
    painted_slices,
    scan_layers,
    voxel_at,
    write_slices,
)

BRUSH_MM = 1.5
LAYERS = (TUMORS, REMOVED, GHOST, CT)
NO_TUMOR = "Nothing is drawn. Hand it in as a scan without a tumor?"
Ask = Callable[[str, str], str | None]


class Desk:
    """One annotator, one viewer, one scan after the other.

    Attributes
    ----------
    said, is_error
        The last thing that was said to the annotator, and whether it was a refusal.
    point
        The voxel (z, y, x) of the last click, on the open slice: the other planes go through it.
    """

    def __init__(
        self, viewer: Any, sitting: Sitting, *, ask: Ask, confirm: Callable[[str], bool], refresh: Callable[[], None]
    ) -> None:
        """Bind keys and open the next scan; `ask` and `confirm` put questions, `refresh` is called after changes."""
        self.viewer, self.sitting = viewer, sitting
        self.said, self.is_error = "", False
        self.are_planes_shown = True
        self._ask, self._confirm, self._refresh = ask, confirm, refresh
        self._pinned, self._is_stroke_due = (0, 0), False
        self._bind(viewer)
        viewer.dims.events.current_step.connect(self._on_slice)
        viewer.mouse_drag_callbacks.append(self._on_press)
        self._try(self._open_next)

    # ---- what is where

    @property
    def tumors(self) -> Any:
        """The layer that is drawn on; nothing if no scan is open."""
        return next((layer for layer in self.viewer.layers if layer.name == TUMORS), None)

    @property
    def z(self) -> int:
        """The open slice."""
        return int(self.viewer.dims.current_step[0])

    @property
    def point(self) -> tuple[int, int, int]:
        """The voxel (z, y, x) that the other planes go through."""
        return (self.z, *self._pinned)

    @property
    def label(self) -> int:
        """The tumor that is drawn now."""
        return 1 if self.tumors is None else max(1, int(self.tumors.selected_label))

    def shown(self) -> Shown:
        """Return what the panel says: always of the tumors 1 and 2, and of the chosen one."""
        return self.sitting.shown({1, 2, self.label})

    def choose(self, label: int) -> None:
        """Draw this tumor from now on."""
        if self._is_laid_out():
            self.tumors.selected_label = label
            self._show_ghost()
            self._refresh()

    def do(self, name: str) -> None:
        """Do one of `actions.ALL`; what it refuses is said, not raised. Without a scan there is nothing to do."""
        if self._is_laid_out():
            self._try(getattr(self, name))

    # ---- tools

    def brush(self) -> None:
        """Take the brush."""
        self.tumors.mode = "paint"

    def polygon(self) -> None:
        """Take the polygon."""
        self.tumors.mode = "polygon"

    def erase(self) -> None:
        """Take the eraser."""
        self.tumors.mode = "erase"

    # ---- slices

    def go_on(self) -> None:
        """Go to the next slice to draw."""
        self._go(self.sitting.next_slice(self.z, self.label))

    def go_back(self) -> None:
        """Go to the slice to draw before this one."""
        self._go(self.sitting.previous_slice(self.z, self.label))

    def mark_end(self) -> None:
        """Say that the chosen tumor ends here, or is not here."""
        self._show(self.sitting.mark_end(self.z, self.label))

    def forget_slice(self) -> None:
        """Take away what was drawn of the chosen tumor here."""
        self._show(self.sitting.forget_slice(self.z, self.label))

    def go_to(self, z: int) -> None:
        """Open a slice."""
        self.viewer.dims.set_current_step(0, z)

    def pin(self, z: int, y: int, x: int) -> None:
        """Open a slice, and lay the other planes through a voxel of it."""
        self._pinned = (y, x)
        self.go_to(z)
        self._refresh()

    # ---- the whole tumor

    def interpolate(self) -> None:
        """Fill the slices between the drawn ones."""
        self._show(self.sitting.interpolate())

    def apply_tissue_rule(self) -> None:
        """Take air and bone out, and say how much it was."""
        change = self.sitting.apply_tissue_rule()
        self._show(change)
        taken = 0 if change is None else change.voxels
        self.said = f"{taken:,} voxels of air or bone were taken out" if taken else "there is no air or bone in it"

    def put_back_slice(self) -> None:
        """Put back what the tissue rule took on this slice."""
        self._show(self.sitting.put_back_slice(self.z))

    def put_back_all(self) -> None:
        """Put back all that the tissue rule took."""
        self._show(self.sitting.put_back_all())

    def undo(self) -> None:
        """Take back the last step, and go where it was."""
        self._show(self.sitting.undo(), said="taken back: ", follow=True)

    def redo(self) -> None:
        """Do again what was taken back."""
        self._show(self.sitting.redo(), said="done again: ", follow=True)

    # ---- view

    def toggle_ghost(self) -> None:
        """Show or hide the outlines of the neighbouring drawn slices."""
        layer = self.viewer.layers[GHOST]
        layer.visible = not layer.visible

    def toggle_outline(self) -> None:
        """Show tumors as outlines, or filled."""
        self.tumors.contour = 0 if self.tumors.contour else 1
        self.tumors.opacity = 0.9 if self.tumors.contour else 0.45

    def toggle_planes(self) -> None:
        """Show or hide the planes along the body."""
        self.are_planes_shown = not self.are_planes_shown

    # ---- scans

    def submit(self) -> None:
        """Hand the scan in, and open the next."""
        code, has_tumor = self.sitting.scan, any(tumor.volume_mm3 for tumor in self.shown().tumors)
        if code is None or not (has_tumor or self._confirm(NO_TUMOR)):
            return
        said = self.sitting.submit()
        self._open_next(f"{code.code}: {said}")

    def second_look(self) -> None:
        """Put the scan aside with a note, and open the next."""
        note = self._ask("Second look", "What is to be looked at again?")
        if note is not None:
            self.sitting.second_look(note)
            self._open_next()

    def skip(self) -> None:
        """Leave the scan out with a reason, and open the next."""
        reason = self._ask("Skip", "Why is this scan left out?")
        if reason is not None:
            self.sitting.skip(reason)
            self._open_next()

    def put_aside(self) -> None:
        """Leave the scan as it is, and open the next."""
        self.sitting.put_aside()
        self._open_next()

    # ---- inside

    def _try(self, act: Callable[[], None]) -> None:
        """Act; a refusal becomes a sentence."""
        self.said, self.is_error = "", False
        try:
            act()
        except MurinomaError as error:
            self.said, self.is_error = str(error), True
        self._refresh()

    def _open_next(self, said: str = "") -> None:
        """Open the next scan, or say that all is done."""
        self._clear()
        scan = self.sitting.open_next()
        told = [said, self.sitting.notice, "" if scan else "all scans are done"]
        self.said, self.sitting.notice = "; ".join(one for one in told if one), ""
        self.viewer.title = f"murinoma  {scan.code}" if scan else "murinoma"
        if scan is not None:
            self._pinned = (scan.ct.shape[1] // 2, scan.ct.shape[2] // 2)
            self._lay_out(scan)
            self.viewer.reset_view()
            self.go_to(self.sitting.next_slice(0, 1) or 0)
            self._show_ghost()

    def _is_laid_out(self) -> bool:
        """Tell whether a scan is open; its layers are laid out again if somebody deleted one."""
        scan = self.sitting.scan
        if scan is not None and not self._has_layers:
            self._clear()
            self._lay_out(scan)
        return scan is not None

    @property
    def _has_layers(self) -> bool:
        return all(name in self.viewer.layers for name in LAYERS)

    def _lay_out(self, scan: OpenScan) -> None:
        layers = scan_layers(scan.ct, self.sitting.annotation, window_hu=self.sitting.settings.window_hu)
        for array, keywords, kind in layers:
            getattr(self.viewer, f"add_{kind}")(array, **keywords)
        self._prepare(self.tumors, scan.ct.spacing_mm[2])

    def _clear(self) -> None:
        for name in LAYERS:
            if name in self.viewer.layers:
                self.viewer.layers.remove(name)

    def _prepare(self, tumors: Any, voxel_mm: float) -> None:
        """Make the layer ready to draw: two dimensions, no tumor takes voxels of another."""
        tumors.preserve_labels = True
        tumors.brush_size = max(1, round(BRUSH_MM / voxel_mm))
        tumors.selected_label = 1
        tumors.mode = "paint"
        tumors.events.paint.connect(self._on_paint)
        tumors.events.labels_update.connect(self._on_painted)
        for layer in self.viewer.layers:
            self._bind(layer)  # a layer's own keys come before the viewer's
            layer.events.mode.connect(lambda event: self._refresh())
        self.viewer.layers[REMOVED].editable = False
        self.viewer.layers[GHOST].editable = False
        self.viewer.layers.selection.active = tumors

    def _bind(self, owner: Any) -> None:
        for action in actions.ALL:
            owner.bind_key(action.key, _pressed(partial(self.do, action.name)), overwrite=True)
        for key in actions.LABEL_KEYS:
            owner.bind_key(key, _pressed(partial(self.choose, int(key))), overwrite=True)

    def _go(self, z: int | None) -> None:
        if z is None:
            self.said = "no slice is known that is still to be drawn"
        else:
            self.go_to(z)

    def _on_paint(self, event: Any) -> None:
        """Take over a stroke that ended; a polygon is announced here before napari writes it."""
        self._try(self._take_strokes)

    def _on_painted(self, event: Any) -> None:
        if self._is_stroke_due:
            self._try(self._take_strokes)

    def _take_strokes(self) -> None:
        self._is_stroke_due = True
        while slices := painted_slices(self.tumors.data, self.sitting.annotation.labels, self.z):
            self._is_stroke_due = False
            for z in slices:
                self._show(self.sitting.draw(z, self.tumors.data[z]))
            self._pinned = middle_of(self.tumors.data[self.z], self.label) or self._pinned

    def _on_slice(self, event: Any) -> None:
        if self.sitting.scan is not None and self._has_layers:
            self.sitting.is_at_work()
            self._show_ghost()
            self._refresh()

    def _on_press(self, viewer: Any, event: Any) -> None:
        scan = self.sitting.scan
        if scan is not None and len(event.position) == len(scan.ct.shape):
            _, y, x = voxel_at(tuple(event.position), scan.ct.spacing_mm, scan.ct.shape)
            self._pinned = (y, x)
            self._refresh()

    def _show(self, change: Change | None, *, said: str = "", follow: bool = False) -> None:
        """Bring a change to the layers."""
        if change is None:
            self.said = "there is nothing to do"
            return
        annotation = self.sitting.annotation
        slices = change.slices(annotation)
        write_slices(self.tumors.data, annotation.labels, slices)
        write_slices(self.viewer.layers[REMOVED].data, annotation.removed, slices)
        self.tumors.refresh()
        self.viewer.layers[REMOVED].refresh()
        if follow and slices and self.z not in slices:
            self.go_to(slices[0])
        self._show_ghost()
        self.said = f"{said}{change.what}" if said else ""

    def _show_ghost(self) -> None:
        layer = self.viewer.layers[GHOST]
        layer.data[:] = self.sitting.ghost(self.z, self.label)
        layer.refresh()


def _pressed(act: Callable[[], None]) -> Callable[[Any], None]:
    """Return what napari calls for a key: it passes the layer or viewer that the key is bound to."""

    def press(owner: Any) -> None:
        act()

    return press
