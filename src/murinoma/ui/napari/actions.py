"""What an annotator can do, with the key of each: one table for keys, buttons and the manual."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One action: the method of `Desk` that does it, its key as napari writes it, and what its button says."""

    name: str
    key: str
    text: str
    tip: str

    @property
    def shown_key(self) -> str:
        """The key as people read it."""
        return self.key.replace("Control", "Ctrl").replace("-", "+").replace("Backspace", "⌫").replace("Enter", "↵")


DRAWING = (
    Action("brush", "B", "Brush", "Paint the chosen tumor; [ and ] change the brush"),
    Action("polygon", "P", "Polygon", "Click the corners, right click takes one back, Enter closes it"),
    Action("erase", "E", "Erase", "Erase the chosen tumor; the other ones stay"),
)
SLICES = (
    Action("go_back", "D", "Previous", "The slice to draw before this one"),
    Action("go_on", "F", "Next", "The next slice to draw"),
    Action("mark_end", "0", "Ends here", "The tumor ends on this slice; or, if it is not drawn here, it is not here"),
    Action("forget_slice", "Backspace", "Not drawn", "Take away what was drawn on this slice"),
)
WHOLE = (
    Action("interpolate", "I", "Interpolate", "Fill the slices between the drawn ones"),
    Action("apply_tissue_rule", "T", "Tissue rule", "Take air and bone out of the tumors, and show what went"),
    Action("put_back_slice", "Y", "Put back here", "Put back what the tissue rule took on this slice"),
    Action("put_back_all", "Shift-Y", "Put back all", "Put back all that the tissue rule took"),
    Action("undo", "Control-Z", "Undo", "Take back the last step, a stroke or more"),
    Action("redo", "Control-Shift-Z", "Redo", "Do again what was taken back"),
)
VIEW = (
    Action("toggle_ghost", "G", "Neighbours", "Outlines of the drawn slices before (white) and after (green)"),
    Action("toggle_outline", "O", "Outlines", "Show tumors as outlines, or filled"),
    Action("toggle_planes", "V", "Three planes", "The two planes along the body, through the last click"),
)
SCANS = (
    Action("submit", "Control-Enter", "Submit", "Hand this scan in, and open the next"),
    Action("second_look", "L", "Second look", "Put it aside with a note; it comes again at the end"),
    Action("skip", "K", "Skip", "Leave this scan out, with a reason"),
    Action("put_aside", "N", "Next scan", "Leave it as it is, and open the next"),
)
ALL = (*DRAWING, *SLICES, *WHOLE, *VIEW, *SCANS)
LABEL_KEYS = tuple("123456")
