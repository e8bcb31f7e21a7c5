"""Every error that murinoma raises on purpose, in one tree.

::

    MurinomaError            one sentence: what happened, with the file and the value, and what to do
    |-- InputError           something that people or instruments gave is wrong
    |   |-- StudyError       the layout of a study: folders, names, tables that people keep
    |   |-- FileError        one file cannot be read as what it claims to be
    |   `-- GeometryError    shape, spacing or orientation of an image, or of two images that must fit
    |-- OutputError          a result cannot be written
    `-- UsageError           an option, a source or an extra that does not exist (exit code 2)

Only ``ui/`` turns an error into an exit code or a page.
"""


class MurinomaError(Exception):
    """Base of all errors that murinoma raises on purpose; its text is one sentence for people."""


class InputError(MurinomaError):
    """Something that people or instruments gave is wrong."""


class StudyError(InputError):
    """The layout of a study is wrong: a folder, a name or a table that people keep."""


class FileError(InputError):
    """One file cannot be read as what it claims to be."""


class GeometryError(InputError):
    """The shape, spacing or orientation of an image is not usable, or two images do not fit together."""


class OutputError(MurinomaError):
    """A result cannot be written: no space, no permission, or the target is in the way."""


class UsageError(MurinomaError):
    """An option, a source of masks or an extra that does not exist was asked for."""
