"""The console blocks of a page: find them, run them, and put what was printed in their place.

A block is fenced as ``console``; a line that begins with ``$ `` is a command, the lines below it are what it prints.
A block below the line ``<!-- checked -->`` is run by the tests, too: see ``tests/test_docs.py``.
"""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"(?P<checked><!-- checked -->\n+)?^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)  # a command goes on after a backslash
OUR_MISTAKE = "a mistake in murinoma"


@dataclass(frozen=True)
class Call:
    """One command of a page and what the page says that it prints."""

    command: str
    printed: str
    checked: bool


def calls(page: str) -> Iterator[Call]:
    """Yield the commands of all console blocks of a page, in their order."""
    for block in BLOCK.finditer(page):
        for command, printed in CALL.findall(block["body"]):
            yield Call(command, printed, block["checked"] is not None)


def run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return what a command prints, standard error and standard output as they come; some scan may fail.

    Raises
    ------
    subprocess.CalledProcessError
        If the command does not exist, is used wrongly, or shows a mistake in murinoma.
    """
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode > 1 or OUR_MISTAKE in done.stdout:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout


def refreshed(page: str, printed_by: Callable[[str], str]) -> str:
    """Return a page with what `printed_by` says that each command prints."""

    def block(found: re.Match[str]) -> str:
        told = "".join(f"$ {call.command}\n{printed_by(call.command)}" for call in calls(found[0]))
        return f"{found['checked'] or ''}```console\n{told}```"

    return BLOCK.sub(block, page)
