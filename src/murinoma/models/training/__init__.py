"""Train a network on labelled scans: examples, patches with chance in them, the loop, checkpoints, validation.

Nothing here opens a study: the step `train` reads scans and hands arrays over. All chance of a step of the loop follows
from the seed and the step's number, so a run that was stopped goes on as if it had not been.
"""
