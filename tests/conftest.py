"""What all tests share: hypothesis without a clock, and the real data where it is at hand."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.builders import skeleton_of_published

SHARED = Path(__file__).parents[2] / "shared"

# no deadline: two cores shared with others make any time limit a matter of luck
settings.register_profile(
    "murinoma",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("murinoma")

# a shell makes what it starts in the background deaf to Ctrl-C, and all that this starts; some tests press it
signal.signal(signal.SIGINT, signal.default_int_handler)


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the real {name} is not beside this checkout ({folder})")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real inputs, ``../shared/data``; a test that needs it is skipped where it is absent."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_bench() -> Path:
    """Return the folder of the yardstick scripts, ``../shared/bench``."""
    return _shared("bench")


@pytest.fixture(scope="session")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a skeleton of the published database; tests read it and write elsewhere."""
    return skeleton_of_published(tmp_path_factory.mktemp("published") / "TumSeg database")
