"""The commands of a blinded annotation campaign: new, status, reveal."""

from typing import Annotated

import typer

from murinoma.errors import UsageError
from murinoma.settings import CampaignSettings
from murinoma.ui.display import show
from murinoma.ui.options import Json, Root

app = typer.Typer(no_args_is_help=True, help="Let several people annotate a study, blinded: new, status, reveal.")

Names = Annotated[str, typer.Option(help="Who annotates: A,B,C.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same orders and codes.")]
Repeat = Annotated[str, typer.Option(help="Share of the scans that everybody meets twice, such as 10%.")]
Unfinished = Annotated[bool, typer.Option("--unfinished", help="Reveal what is handed in, although scans are open.")]


@app.command()
def new(
    study: Root,
    annotators: Names,
    seed: Seed = CampaignSettings.seed,
    repeat: Repeat = "0%",
    json_: Json = False,
) -> None:
    """Plan a campaign: for every annotator an own order of scans under codes that say nothing."""
    from murinoma.steps.campaign import new_campaign
    from murinoma.study import read_study

    names = tuple(name.strip() for name in annotators.split(",") if name.strip())
    settings = CampaignSettings(names, seed, _share(repeat))
    show(new_campaign(read_study(study), settings=settings), json_)


@app.command()
def status(study: Root, json_: Json = False) -> None:
    """Say how far everybody is; for the coordinator, who sees no drawing."""
    from murinoma.steps.campaign import campaign_status
    from murinoma.study import read_study

    show(campaign_status(read_study(study)), json_)


@app.command()
def reveal(study: Root, unfinished: Unfinished = False, json_: Json = False) -> None:
    """Write the annotations under their true names, once; what changes later is recorded as such."""
    from murinoma.steps.campaign import reveal_campaign
    from murinoma.study import read_study

    show(reveal_campaign(read_study(study), unfinished=unfinished), json_)


def _share(text: str) -> float:
    """Return a share, 0..1, from ``10%`` or ``0.1``."""
    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError as error:
        raise UsageError(f"--repeat '{text}' is no share; write 10% or 0.1") from error
    return number / 100 if text.strip().endswith("%") else number
