"""How an acquisition was made: the numbers of the paper's Table 2, and nothing that names an animal or a day."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parameters:
    """What the scanner says of an acquisition; nothing where it does not say.

    Attributes
    ----------
    kvp
        Tube voltage, kV.
    ua
        Tube current, uA; never rounded to mA, where 500 uA would become 0.
    ms
        Exposure time, ms.
    scanner
        Maker and model.
    orientation
        How the subject lay, as recorded: head or feet first (H, F), then prone, supine, right or left (``HFP``).
        Left and right are the user's to confirm.
    reconstruction
        Algorithm or kernel.
    """

    kvp: float | None = None
    ua: float | None = None
    ms: float | None = None
    scanner: str | None = None
    orientation: str | None = None
    reconstruction: str | None = None
