"""The napari front end: the drawing actions of `murinoma.steps.annotate` under keys, buttons and a brush."""
