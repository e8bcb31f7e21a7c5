"""The U-Net: its shape, its parameters, and specs that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.models.unet import UnetSpec, build_unet, count_parameters, spec_from


@given(
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple),
    heads=st.integers(1, 3),
    convs=st.sampled_from([1, 2]),
)
def test_the_count_is_torchs(widths: tuple[int, ...], heads: int, convs: int) -> None:
    """The formula counts what the module holds."""
    pytest.importorskip("torch", reason="the extra train is not installed")
    spec = UnetSpec(widths, heads, convs)
    assert count_parameters(spec) == sum(value.numel() for value in build_unet(spec).parameters())


def test_two_networks_of_the_default_fit_the_wheel() -> None:
    """A coarse one with one head and a fine one with four have at most 2.5 M parameters together."""
    assert count_parameters(UnetSpec(heads=1)) + count_parameters(UnetSpec(heads=4)) <= 2_500_000


def test_logits_have_the_shape_of_the_image() -> None:
    """Sides divisible by `multiple` come out as they went in, one channel per head."""
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    spec = UnetSpec((2, 3, 4), heads=3)
    assert spec.multiple == 8
    assert build_unet(spec)(torch.zeros(2, 1, 8, 16, 24)).shape == (2, 3, 8, 16, 24)


@pytest.mark.parametrize("spec", [{"widths": ()}, {"widths": (0, 4)}, {"heads": 0}, {"convs": 0}])
def test_a_network_without_channels_is_refused(spec: dict[str, int]) -> None:
    """No level, no channel, no head, no convolution."""
    with pytest.raises(InputError, match="needs levels, channels"):
        UnetSpec(**spec)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content", [{}, {"widths": 3, "heads": 1, "convs": 2}, {"widths": ["a"], "heads": 1, "convs": 2}]
)
def test_a_spec_that_is_none_is_refused(content: dict[str, object]) -> None:
    """Missing and wrong entries of a file are told."""
    with pytest.raises(InputError, match="describes no U-Net"):
        spec_from(content)
