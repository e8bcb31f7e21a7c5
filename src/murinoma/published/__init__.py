"""The paper's tables, the catalogue of its 452 scans and the human baseline, and one reader for them.

Source: Jensen et al. 2024, "3D whole body preclinical micro-CT database of subcutaneous tumors in mice with
annotations from 3 annotators" (Tables 1 to 4), and the public catalogue of the database (CC-BY), DOI
10.17894/UCPH.F7BCF864-BE18-4A16-95AD-6F22DEDB4265.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

PresentScans = Iterable[tuple[str, str, str]]
MIN_SHARE = 0.9  # of a published dataset's scans that must be there to call it that dataset
MIN_SCANS = 20  # fewer could be another lab's study with the same mouse numbers and days


def table(number: Literal[1, 2, 3, 4]) -> pd.DataFrame:
    """Return one of the paper's tables as printed; volumes in cm3, one row per dataset (Table 3: per measure)."""
    return _read(f"table{number}.csv").copy()


def catalogue() -> pd.DataFrame:
    """Return the 452 published scans.

    Columns ``dataset`` (``Dataset 1``), ``mouse``, ``time``, ``group_folder``, ``scan_folder``, ``ct_file`` and
    ``staple_volume_mm3``.
    """
    scans = _read("scans.csv").rename(columns={"time_point": "time"})
    scans["dataset"] = "Dataset " + scans["dataset"].astype(str)
    return scans


def published_datasets(scans: PresentScans) -> list[str]:
    """Return the published datasets that a study consists of; none if it is not the published database or part of it.

    A study is recognised by its keys (dataset, mouse, time), never by the name of a dataset alone: every dataset
    must hold at least nine tenths of the catalogue's scans and none beside them, and the study at least 20 scans.
    """
    known = _keys_by_dataset(catalogue()[["dataset", "mouse", "time"]].itertuples(index=False, name=None))
    present = _keys_by_dataset(scans)
    whole = all(
        keys <= known.get(dataset, set()) and len(keys) >= MIN_SHARE * len(known[dataset])
        for dataset, keys in present.items()
    )
    enough = sum(map(len, present.values())) >= MIN_SCANS
    return sorted(present, key=lambda name: int(name.split()[1])) if whole and enough else []


@cache
def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name(name))


def _keys_by_dataset(scans: PresentScans) -> dict[str, set[tuple[str, str]]]:
    keys: dict[str, set[tuple[str, str]]] = {}
    for dataset, mouse, time in scans:
        keys.setdefault(dataset, set()).add((mouse, time))
    return keys
