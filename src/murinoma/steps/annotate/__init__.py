"""Draw the tumors of a scan: every action of an annotator in memory, labels in, labels out, each saved at once.

A front end opens a `Sitting` and calls its actions; whichever front end does, the masks are the same::

    sitting = open_campaign(study, "A")        # or open_file(Path("CT.nii.gz"))
    scan = sitting.open_next()                 # scan.code, scan.ct; None when all is done
    sitting.draw(34, plane)                    # a slice (y, x) as the pen left it; saved when this returns
    sitting.mark_end(34, label=1)              # tumor 1 ends here
    sitting.next_slice(34, label=1)            # where to draw next
    sitting.interpolate()
    sitting.apply_tissue_rule()                # what it took: sitting.annotation.removed
    sitting.put_back_slice(40)
    sitting.undo()
    sitting.shown().tumors                     # volumes, and what is still to be drawn, in words
    sitting.submit()                           # or skip(reason), second_look(note), put_aside()
    sitting.close()

Nothing that a sitting on a campaign shows, says or raises names a dataset, a mouse or a day.
"""

from murinoma.steps.annotate.annotation import Annotation
from murinoma.steps.annotate.history import Change
from murinoma.steps.annotate.opening import open_campaign, open_file, sit_down
from murinoma.steps.annotate.shown import OpenScan, Shown, Tumor
from murinoma.steps.annotate.sitting import Sitting

__all__ = ["Annotation", "Change", "OpenScan", "Shown", "Sitting", "Tumor", "open_campaign", "open_file", "sit_down"]
