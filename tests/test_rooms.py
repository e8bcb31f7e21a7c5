"""The rooms of the house, and what each may use: HOUSE is the rule, the rest of this file enforces it.

Every module of src/murinoma is read as text (``ast``), never imported, so an import inside a function, under
``TYPE_CHECKING`` or by ``importlib.import_module("...")`` counts like any other. A rule changes here, together with
a page in docs/decisions/.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "murinoma"

SPEECH = "builtins.print builtins.input logging sys.stdout sys.stderr"  # only ui/ talks to people
FILES = "builtins.open io os pathlib shutil glob tempfile"
CLOCK = "time datetime"


@dataclass(frozen=True)
class Room:
    """What the modules of one room may use beside the standard library and the modules of the room itself.

    `rooms` names other rooms or single modules in them. `deferred` names libraries that may be imported inside a
    function only. `never` takes away parts of the standard library. `apart` forbids the modules of the room to
    import one another; they share only what their package's ``__init__`` holds. `by_name` allows to import a module
    whose name is computed.
    """

    rooms: str = ""
    libraries: str = ""
    deferred: str = ""
    never: str = SPEECH
    apart: bool = False
    by_name: bool = False


NUMERICS = Room(rooms="errors", libraries="numpy scipy", never=f"{SPEECH} {FILES} {CLOCK} random")

HOUSE = {
    "errors": Room(),
    "settings": Room(rooms="errors"),
    "volume": Room(rooms="errors", libraries="numpy"),
    "study": Room(rooms="errors"),
    "runs": Room(rooms="errors settings study files.records"),
    "published": Room(libraries="pandas"),
    "numerics": NUMERICS,
    "numerics.growth": Room(rooms="errors", libraries="numpy scipy", deferred="statsmodels", never=NUMERICS.never),
    "files": Room(rooms="errors study volume", libraries="numpy pandas nibabel isal", deferred="pydicom xlsxwriter"),
    "models": Room(rooms="errors numerics files.atomic", libraries="numpy scipy torch openvino onnx"),
    "phantom": Room(rooms="errors numerics volume", libraries="numpy scipy", never=NUMERICS.never),
    "campaign": Room(rooms="errors study files.atomic files.versioned", libraries="numpy"),
    "pages": Room(rooms="errors published", libraries="numpy pandas matplotlib jinja2"),
    "steps": Room(
        rooms="errors settings volume study runs published numerics files models phantom campaign pages",
        libraries="numpy pandas",
        apart=True,
    ),
    "flow": Room(rooms="errors settings study steps"),
    "ui": Room(rooms="errors settings volume study campaign pages steps flow", libraries="typer rich", never=""),
    "ui.napari": Room(
        rooms="errors settings volume study campaign pages steps flow", libraries="numpy napari qtpy", never=""
    ),
    "__main__": Room(rooms="ui"),
    # the public names: found by name on first use, so that importing murinoma loads nothing
    "__init__": Room(
        rooms="errors settings volume study runs published numerics files models phantom campaign pages steps flow",
        by_name=True,
    ),
}

# The layout of a study is spelled once. A text for people may name a file; it has blanks, a path has none.
PATH_SPELLERS = {"study"}
PATH_WORDS = re.compile(r"(?<![A-Za-z0-9])(derivatives\b|Annotator_|STAPLE_|CT_|Prediction_)")


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its package, and the room it belongs to (None: no room)."""

    path: Path
    name: str
    package: str
    room: str | None

    @property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Use:
    """One thing that a source reaches for: ``numpy``, ``murinoma.volume.Volume``, ``sys.stdout``, ``builtins.open``."""

    line: int
    name: str
    in_function: bool


def findings(package: Path) -> list[str]:
    """Return one sentence, with file and line, for everything under `package` that breaks the rules."""
    modules = [read_module(path, package) for path in sorted(package.rglob("*.py"))]
    names = {module.name for module in modules}
    return [sentence for module in modules for sentence in module_findings(module, names)]


def module_findings(module: Module, names: set[str]) -> Iterator[str]:
    """Yield what is wrong in one module."""
    if module.room is None:
        yield f"{module.path}:1: {module.name} belongs to no room; move it, or give it a room in HOUSE"
        return
    for use in uses(module):
        complaint = refusal(module, module.room, use, names)
        if complaint:
            yield f"{module.path}:{use.line}: {module.room} {complaint}"
    if module.room not in PATH_SPELLERS:
        for line, text in spelled_paths(module.tree):
            yield f"{module.path}:{line}: {text!r} spells a path of the study layout; only study does that"


def read_module(path: Path, package: Path) -> Module:
    """Name a file and find its room: the longest match in HOUSE."""
    parts = [*path.relative_to(package).with_suffix("").parts]
    inside = parts[:-1] if parts[-1] == "__init__" else parts
    name = ".".join([package.name, *inside])
    key = ".".join(inside) or "__init__"
    rooms = [room for room in HOUSE if key == room or key.startswith(room + ".")]
    return Module(path, name, ".".join([package.name, *parts[:-1]]), max(rooms, key=len, default=None))


def uses(module: Module) -> Iterator[Use]:
    """Yield every import, and every builtin or `sys` attribute that a rule may forbid."""
    tree = module.tree
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    in_functions = {id(node) for function in functions for node in ast.walk(function)}
    sys_names = {alias.asname or "sys" for alias in imported(tree) if alias.name == "sys"}
    for node in ast.walk(tree):
        for name in reached_names(node, module.package, sys_names):
            yield Use(getattr(node, "lineno", 1), name, id(node) in in_functions)


def imported(tree: ast.Module) -> Iterator[ast.alias]:
    """Yield the aliases of all ``import x`` statements."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from node.names


def reached_names(node: ast.AST, package: str, sys_names: set[str]) -> list[str]:
    """Return the full names that one node reaches for; `sys_names` are the local names of the module sys."""
    match node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=base, names=aliases, level=level):
            source = absolute("." * level + (base or ""), package)
            return [f"{source}.{alias.name}" for alias in aliases]
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
            return [named_import(node, package)]
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if owner in sys_names:
            return [f"sys.{attribute}"]
        case ast.Name(id="print" | "open" | "input" as builtin):
            return [f"builtins.{builtin}"]
    return []


def named_import(call: ast.Call, package: str) -> str:
    """Return the module that ``import_module("...")`` loads, or ``?`` where its name is computed."""
    match call.args:
        case [ast.Constant(value=str(name)), *_]:
            return absolute(name, package)
    return "?"


def absolute(name: str, package: str) -> str:
    """Resolve the leading dots of a relative import inside `package`."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    if level == 0:
        return name
    parents = package.split(".")
    kept = parents[: len(parents) - level + 1]
    return ".".join([*kept, *([bare] if bare else [])])


def refusal(module: Module, room_name: str, use: Use, names: set[str]) -> str | None:
    """Return why `module` may not use this, or None if it may."""
    room = HOUSE[room_name]
    top = use.name.split(".")[0]
    if use.name == "?":
        return None if room.by_name else "imports a module by a computed name; write the import out"
    if top == module.name.split(".")[0]:
        return inside_refusal(module, room_name, use.name, names)
    if top == "builtins" or top in sys.stdlib_module_names:
        forbidden = any(f"{use.name}.".startswith(f"{part}.") for part in room.never.split())
        return f"uses {use.name}; it may not use {listed(room.never)}" if forbidden else None
    if top in room.deferred.split():
        return None if use.in_function else f"imports {top} on loading; import it inside the function that needs it"
    if top not in room.libraries.split():
        return f"imports {use.name}; the only libraries it may use: {listed(f'{room.libraries} {room.deferred}')}"
    return None


def inside_refusal(module: Module, room_name: str, name: str, names: set[str]) -> str | None:
    """Return why `module` may not import this name of murinoma itself, or None if it may."""
    root = module.name.split(".")[0]
    target = longest_module(name, names)
    if target == root:
        is_dunder = name.rpartition(".")[2].startswith("__")
        return None if is_dunder else f"imports {name}; import it from the module that defines it"
    own_room = ".".join([root, room_name.split(".")[0]])
    if f"{target}.".startswith(f"{own_room}."):
        same = target in (own_room, step_of(module.name)) or step_of(target) == step_of(module.name)
        return None if same or not HOUSE[room_name].apart else f"imports {target}; {room_name} never import one another"
    allowed = [f"{root}.{room}." for room in HOUSE[room_name].rooms.split()]
    if not f"{target}.".startswith(tuple(allowed)):
        return f"imports {target}; the only rooms it may use: {listed(HOUSE[room_name].rooms)}"
    return None


def longest_module(name: str, names: set[str]) -> str:
    """Cut ``murinoma.volume.Volume`` down to the module ``murinoma.volume``; an unknown module stays whole."""
    parts = name.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((prefix for prefix in prefixes if prefix in names), name)


def step_of(name: str) -> str:
    """Cut ``murinoma.steps.agree.x`` down to ``murinoma.steps.agree``."""
    return ".".join(name.split(".")[:3])


def listed(words: str) -> str:
    """Write the words of a table cell with commas."""
    return ", ".join(words.split()) or "none"


def spelled_paths(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each string, docstrings left out, that spells a file or folder of the study layout."""
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):  # breadth first: an f-string comes before its parts
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if PATH_WORDS.search(text) and " " not in text.replace("Dataset ", ""):
            yield node.lineno, text


# The house as it stands


def test_every_module_uses_only_what_its_room_may() -> None:
    """Each module of src/murinoma has a room and keeps to its line in HOUSE; only study spells the layout."""
    broken = findings(PACKAGE)
    assert not broken, "rules of tests/test_rooms.py:\n" + "\n".join(broken)


# The test, tested on sources that must be refused or accepted

FAKE_MODULES = [
    "__init__.py",
    "errors.py",
    "settings.py",
    "volume.py",
    "study.py",
    "files/__init__.py",
    "files/nifti.py",
    "files/records.py",
    "numerics/__init__.py",
    "numerics/votes.py",
    "steps/__init__.py",
    "steps/agree.py",
]

REFUSED = [
    ("numerics/x.py", "import pathlib", "numerics uses pathlib"),
    ("numerics/x.py", "import os.path as p", "numerics uses os.path"),
    ("numerics/x.py", "from time import perf_counter", "numerics uses time.perf_counter"),
    ("numerics/x.py", "def f():\n    open('x')", "x.py:2: numerics uses builtins.open"),
    ("numerics/x.py", "import pandas", "the only libraries it may use: numpy, scipy"),
    ("numerics/x.py", "import statsmodels.api", "numerics imports statsmodels.api"),
    ("numerics/growth.py", "import statsmodels.api", "import it inside the function"),
    ("numerics/x.py", "from murinoma.volume import Volume", "numerics imports murinoma.volume"),
    ("numerics/x.py", "from ..files import nifti", "numerics imports murinoma.files.nifti"),
    ("numerics/x.py", "from .. import study", "numerics imports murinoma.study"),
    ("numerics/x.py", "from murinoma import files", "numerics imports murinoma.files"),
    ("numerics/deep/x.py", "from ... import study", "numerics imports murinoma.study"),
    ("phantom/x.py", "import time", "phantom uses time"),
    ("phantom/x.py", "from pathlib import Path", "phantom uses pathlib.Path"),
    ("files/x.py", "import logging", "files uses logging"),
    ("files/x.py", "def f():\n    import torch", "files imports torch"),
    ("files/x.py", "from murinoma.numerics.votes import count", "files imports murinoma.numerics.votes"),
    ("files/x.py", "from murinoma import Study", "import it from the module that defines it"),
    ("files/x.py", "import murinoma", "import it from the module that defines it"),
    ("runs.py", "from murinoma.files import nifti", "runs imports murinoma.files.nifti"),
    ("runs.py", "log = print", "runs uses builtins.print"),
    ("study.py", "import numpy", "study imports numpy; the only libraries it may use: none"),
    ("study.py", "import sys as s\ns.stderr.write('x')", "study uses sys.stderr"),
    ("study.py", "from sys import stdout", "study uses sys.stdout"),
    ("study.py", "from importlib import import_module\nimport_module('numpy')", "study imports numpy"),
    ("study.py", "import importlib\nimportlib.import_module('.files.nifti', 'murinoma')", "murinoma.files.nifti"),
    ("study.py", "__import__('num' + 'py')", "by a computed name"),
    ("pages/x.py", "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import nibabel", "pages imports nibabel"),
    ("steps/x.py", "from murinoma.steps import agree", "steps never import one another"),
    ("steps/x.py", "from murinoma.steps.agree import agree", "steps never import one another"),
    ("steps/x.py", "from . import agree", "steps never import one another"),
    ("steps/x.py", "def f():\n    from murinoma.ui import cli", "steps imports murinoma.ui"),
    ("steps/x.py", "print('done')", "steps uses builtins.print"),
    ("flow.py", "from murinoma.numerics import votes", "flow imports murinoma.numerics.votes"),
    ("ui/x.py", "from murinoma.files.nifti import read", "ui imports murinoma.files.nifti"),
    ("ui/x.py", "import numpy", "the only libraries it may use: typer, rich"),
    ("utils.py", "", "belongs to no room"),
    ("helpers/x.py", "", "belongs to no room"),
    ("steps/x.py", "path = root / 'derivatives' / 'agreement'", "'derivatives' spells a path"),
    ("steps/x.py", "name = f'CT_{tag}.nii.gz'", "'CT_{}.nii.gz' spells a path"),
    ("files/x.py", "found = folder.glob('Annotator_*')", "'Annotator_*' spells a path"),
    ("ui/x.py", "p = f'derivatives/staple/Dataset {n}/STAPLE_{key}.nii.gz'", "spells a path"),
]

ACCEPTED = [
    (
        "numerics/x.py",
        "import math\nimport numpy as np\nfrom scipy import ndimage\nfrom murinoma.numerics.votes import f",
    ),
    ("numerics/x.py", "from .votes import count\nfrom . import votes\nfrom ..errors import InputError"),
    ("numerics/growth.py", "def f():\n    import statsmodels.api"),
    ("volume.py", "from dataclasses import dataclass\nimport numpy\nfrom murinoma.errors import GeometryError"),
    ("files/x.py", "import nibabel\nfrom isal import igzip\nfrom pathlib import Path\nwith open('x') as f: pass"),
    ("files/x.py", "from murinoma import __version__\nfrom murinoma.volume import Volume"),
    ("runs.py", "import time\nfrom murinoma.files.records import Record\nfrom murinoma.files import records"),
    ("steps/x.py", "from murinoma.steps import StepResult\nfrom murinoma.files import nifti\nimport pandas as pd"),
    ("steps/x.py", "from . import StepResult\nfrom murinoma import settings"),
    ("flow.py", "from murinoma.steps import agree\nfrom murinoma import study"),
    ("ui/x.py", "import typer, rich.progress, sys, logging\nprint('path', file=sys.stderr)"),
    ("__init__.py", "import importlib\nmodule = importlib.import_module(f'murinoma.{1}')"),
    ("study.py", "name = f'CT_{tag}.nii.gz'\nfolder = 'derivatives'"),
    ("steps/x.py", '"""Writes derivatives/agreement and STAPLE_x.nii.gz."""\nx = f"no file CT_{1} beside its mask"'),
    ("steps/x.py", "columns = ['ACT_x', 'staple_volume_cm3', 'STAPLE', 'CT']"),
]


def fake_findings(folder: Path, path: str, source: str) -> list[str]:
    """Write a small package `murinoma` with `source` at `path`, and return what is wrong with it."""
    for name in [*FAKE_MODULES, path]:
        file = folder / "murinoma" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source if name == path else "", encoding="utf-8")
    return findings(folder / "murinoma")


@pytest.mark.parametrize(("path", "source", "sentence"), REFUSED)
def test_a_source_that_breaks_a_rule_is_refused(tmp_path: Path, path: str, source: str, sentence: str) -> None:
    """The one finding names the file and what is wrong with it."""
    found = fake_findings(tmp_path, path, source)
    assert len(found) == 1
    assert f"{tmp_path / 'murinoma' / path}:" in found[0]
    assert sentence in found[0]


@pytest.mark.parametrize(("path", "source"), ACCEPTED)
def test_a_source_that_keeps_the_rules_is_accepted(tmp_path: Path, path: str, source: str) -> None:
    """Nothing is found in it."""
    assert fake_findings(tmp_path, path, source) == []
