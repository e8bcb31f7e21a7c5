"""What the reference pages show is read from the package itself: public names, a room's modules, the commands."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import murinoma
from murinoma.ui import cli


class PublicNames(SphinxDirective):
    """``{public-names}``: every name of `murinoma`, with its docstring."""

    def run(self) -> list[nodes.Node]:
        """Return the explained names."""
        return self.parse_text_to_nodes(public_names(), allow_section_headings=True)


class Room(SphinxDirective):
    """``{room} numerics``: every module of a room with its public functions and values."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a section per module."""
        return self.parse_text_to_nodes(room(self.arguments[0]), allow_section_headings=True)


class Commands(SphinxDirective):
    """``{commands}``: every command of the command line with its arguments and options."""

    def run(self) -> list[nodes.Node]:
        """Return a section per command."""
        return self.parse_text_to_nodes(commands(), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("public-names", PublicNames)
    app.add_directive("room", Room)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}


def public_names() -> str:
    """Return Markdown that explains every public name: functions first, then values, then errors."""
    found = {name: getattr(murinoma, name) for name in murinoma.__all__}
    kinds = {name: _kind(value) for name, value in found.items()}
    sections = {"Functions": "function", "Values": "class", "Errors": "exception"}
    return "\n\n".join(
        "\n\n".join([f"## {title}", *(_explained(kind, f"murinoma.{n}") for n in found if kinds[n] == kind)])
        for title, kind in sections.items()
    )


def room(name: str) -> str:
    """Return Markdown with a section for every module of a room."""
    package = import_module(f"murinoma.{name}")
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return "\n\n".join(f"## {module}\n\n{_explained('module', f'murinoma.{name}.{module}')}" for module in modules)


def commands() -> str:
    """Return Markdown with a section for every command: what it does, how it is written, what it takes."""
    group: Any = typer.main.get_command(cli.app)
    return "\n\n".join("\n".join(_command(command)) for command in group.commands.values())


def _kind(value: Any) -> str:
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function"


def _explained(kind: str, name: str) -> str:
    """Return the block in which autodoc puts the docstring of a name."""
    members = "" if kind == "function" else "   :members:\n"
    return f"```{{eval-rst}}\n.. auto{kind}:: {name}\n{members}```"


def _command(command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if not parameter.opts[0].startswith("-")]
    options = [parameter for parameter in command.params if parameter not in arguments]
    words = " ".join(_written(argument) for argument in arguments)
    needed = "".join(f" {option.opts[0]} ..." for option in options if option.required)
    yield from (f"## murinoma {command.name}", "", command.help, "")
    yield from ("```", f"murinoma {command.name} {words}{needed} [OPTIONS]", "```", "")
    yield from ("| | | default |", "|---|---|---|")
    yield from (f"| `{_written(each)}` | {_safe(each.help)} | {_default(each)} |" for each in (*arguments, *options))


def _written(parameter: Any) -> str:
    """Return an argument or option as people write it."""
    if not parameter.opts[0].startswith("-"):
        word = parameter.metavar or parameter.name.upper()
        word = f"{word}..." if parameter.nargs == -1 else word
        return word if parameter.required else f"[{word}]"
    return parameter.opts[0] if parameter.is_flag else f"{parameter.opts[0]} {_value(parameter)}"


def _value(option: Any) -> str:
    """Return the word for an option's value, by its type."""
    text = str(option.type_descriptor.annotation)
    words = {"Path": "PATH", "int": "N", "float": "X"}
    return next((word for kind, word in words.items() if kind in text), "TEXT")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "*needed*"
    if parameter.default is None or parameter.default is False or parameter.default == "":
        return ""
    return f"`{parameter.default}`"


def _safe(text: str) -> str:
    """Return a sentence of the help as text of a Markdown table: nothing in it is a sign of Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_|<>[]" else sign for sign in text or "")
