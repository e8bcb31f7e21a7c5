"""The public face: which names `import murinoma` offers, that it loads nothing, and that everything is explained."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import murinoma

PACKAGE = Path(__file__).parents[1] / "src" / "murinoma"

# Users build on these: a name leaves this list only with a line in CHANGELOG.md.
PUBLIC_NAMES = [
    "Finding",
    "MurinomaError",
    "Scan",
    "Source",
    "SplitJob",
    "StepResult",
    "Study",
    "TimePoint",
    "Volume",
    "agree",
    "assign",
    "calibrate",
    "campaign_status",
    "check",
    "count_votes",
    "evaluate",
    "find_mice",
    "find_source",
    "fleiss_kappa",
    "growth",
    "interpolate_slices",
    "measure_repeatability",
    "merge",
    "new_campaign",
    "number_tumors",
    "pairwise_dice",
    "paste",
    "read_study",
    "read_volume",
    "report",
    "reveal_campaign",
    "review",
    "segment",
    "simulate",
    "split",
    "staple",
    "surface_agreement",
    "train",
    "volume_rmse",
    "write_volume",
]

Function = ast.FunctionDef | ast.AsyncFunctionDef

LOADED = """
import sys
before = set(sys.modules)
import murinoma
print(*sorted(set(sys.modules) - before))
"""


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function, bool]]:
    """Yield (name, node, whether it is a method) of each public function, also those of public classes."""
    for node in public(tree.body):
        if isinstance(node, ast.ClassDef):
            methods = [method for method in public(node.body) if isinstance(method, Function)]
            yield from ((f"{node.name}.{method.name}", method, True) for method in methods)
        else:
            yield node.name, node, False


def public(body: list[ast.stmt]) -> list[Function | ast.ClassDef]:
    """Return the functions and classes of a body whose names have no leading underscore."""
    return [node for node in body if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")]


def unannotated(function: Function, is_method: bool) -> list[str]:
    """Return the arguments of `function`, and "return", that carry no annotation; self and cls need none."""
    arguments = function.args
    static = any(isinstance(node, ast.Name) and node.id == "staticmethod" for node in function.decorator_list)
    positional = [*arguments.posonlyargs, *arguments.args][int(is_method and not static) :]
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    missing = [item.arg for item in [*positional, *arguments.kwonlyargs, *starred] if item.annotation is None]
    return [*missing, *(["return"] if function.returns is None else [])]


def incomplete(tree: ast.Module) -> list[str]:
    """Return a sentence for each public function of one source that lacks a docstring or an annotation."""
    found = []
    for name, function, is_method in public_functions(tree):
        missing = unannotated(function, is_method)
        if missing:
            found.append(f"{function.lineno}: {name} does not annotate {', '.join(missing)}")
        if ast.get_docstring(function) is None:
            found.append(f"{function.lineno}: {name} has no docstring")
    return found


def test_the_public_names_are_these() -> None:
    """`murinoma.__all__` is the list above, in the same order."""
    assert murinoma.__all__ == PUBLIC_NAMES


def test_every_public_name_can_be_used_and_is_listed() -> None:
    """Each public name gives an object on first use, and `dir(murinoma)` shows it beforehand."""
    for name in PUBLIC_NAMES:
        assert name in dir(murinoma)
        assert getattr(murinoma, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that murinoma does not have fails as it would in any module, and the error says which."""
    name = "no_such_name"
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(murinoma, name)


def test_importing_murinoma_loads_no_library() -> None:
    """`import murinoma` loads the standard library only: no numpy, pandas, typer, and no room of its own."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign == {"murinoma"}
    assert [name for name in loaded if name.startswith("murinoma.")] == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_public_function_is_documented_and_annotated(path: Path) -> None:
    """Each public function and method of a module has a docstring and annotates all that goes in and out."""
    assert incomplete(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def f(a: int) -> int:\n    return a", "1: f has no docstring"),
        ("def f(a) -> int:\n    'Return a.'", "1: f does not annotate a"),
        ("def f(*a, b=1, **c):\n    'Return it.'", "1: f does not annotate b, a, c, return"),
        ("class C:\n    def m(self):\n        'Return it.'", "2: C.m does not annotate return"),
        ("class C:\n    @staticmethod\n    def m(a) -> int:\n        'Return it.'", "3: C.m does not annotate a"),
    ],
)
def test_an_incomplete_function_is_found(source: str, sentence: str) -> None:
    """The one finding gives the line, the function and what it lacks."""
    assert incomplete(ast.parse(source)) == [sentence]


def test_private_and_nested_functions_may_stay_bare() -> None:
    """Only what a user can reach must be explained."""
    source = "def _f(a):\n    def g(b):\n        return b\n    return g\nclass _C:\n    def m(self):\n        pass"
    assert incomplete(ast.parse(source)) == []
