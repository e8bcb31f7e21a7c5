"""Who annotates what, blinded: the plan of a campaign, and one store per annotator behind every front end.

The coordinator makes a plan, follows the progress and reveals; an annotator opens a store, which knows scans by
opaque codes only::

    plan = create_plan(study, ["A", "B", "C"], seed=1, repeat_share=0.1, protocol=asdict(AnnotationSettings()))

    with open_store(study, "A") as store:
        code = store.next_code()              # 'KXTRF': no dataset, mouse or day
        ct = store.read_ct(code, read)        # `read` gets the path, nobody else
        store.begin(code, ct.shape)
        store.save_slice(code, 34, plane)     # saved when the call returns, also if the process is killed then
        store.save_removed(code, removed)     # what the tissue rule took away
        store.save_labels(code, labels)
        store.submit(code)

    for entry in reveal(study, plan):         # true names, once
        entry.key, entry.annotator, entry.labels()

Blinding is not proof against someone who opens the folder: ``plan.json`` names every scan behind its code.
"""

from murinoma.campaign.plan import Assignment, HandedOut, Plan, create_plan, read_plan
from murinoma.campaign.progress import AnnotatorProgress, changed_cts, progress
from murinoma.campaign.reveal import RevealedScan, reveal, revealed_at
from murinoma.campaign.rows import Event, ScanRow, State
from murinoma.campaign.session import Clock
from murinoma.campaign.store import Store, open_store

__all__ = [
    "AnnotatorProgress",
    "Assignment",
    "Clock",
    "Event",
    "HandedOut",
    "Plan",
    "RevealedScan",
    "ScanRow",
    "State",
    "Store",
    "changed_cts",
    "create_plan",
    "open_store",
    "progress",
    "read_plan",
    "reveal",
    "revealed_at",
]
