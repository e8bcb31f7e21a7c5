"""The options that commands share, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

Root = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder with 'Dataset 1', 'Dataset 2', ... in it.")]
Out = Annotated[
    Path | None, typer.Option(help="Write results here instead of STUDY/derivatives; later steps look there.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes at once; 0 chooses by scans and cores.")]
Force = Annotated[bool, typer.Option("--force", help="Do again what the record shows as done.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many scans wait, and do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the result's path.")]
