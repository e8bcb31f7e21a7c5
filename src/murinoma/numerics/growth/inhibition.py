"""How much a treatment holds tumors back: T/C and TGI of two arms, with intervals on the log scale."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from murinoma.numerics.growth.arms import few_mice, welch
from murinoma.numerics.growth.courses import LEAST_MICE, check_volumes, floored_logs, raised

Floats = npt.NDArray[np.float64]

DRAWS = 4000  # of the generalised interval; the edges then move by a few hundredths of the width
TAILS = (0.025, 0.975)
NAN = float("nan")
ZERO = "a volume of 0 has no logarithm; state a floor"


@dataclass(frozen=True)
class Effect:
    """One arm against the control: a ratio or a percentage with its 95 % interval; NaN where undefined, with a reason.

    ``n_mice`` and ``n_control`` are the mice with both volumes.
    """

    value: float
    low: float
    high: float
    n_mice: int
    n_control: int
    method: str
    reason: str


def treatment_over_control(
    first_mm3: Floats,
    last_mm3: Floats,
    control_first_mm3: Floats,
    control_last_mm3: Floats,
    *,
    floor_mm3: float = 0.0,
) -> Effect:
    """Return T/C: the ratio of the geometric-mean relative volumes of an arm and of the control.

    The interval is Welch's on the log scale.

    Parameters
    ----------
    first_mm3, last_mm3
        (m,) volumes of the mice of the arm on the baseline and on the day of the comparison; NaN leaves a mouse out.
    control_first_mm3, control_last_mm3
        (k,) the same of the control.
    floor_mm3
        Volumes below it count as the floor; with 0, a volume of 0 leaves the ratio undefined.

    Examples
    --------
    The arm doubled, the control grew to the fourfold: T/C = 0.5.

    >>> start = np.array([100.0, 150.0])
    >>> found = treatment_over_control(start, 2 * start, start, 4 * start)
    >>> round(found.value, 3), found.reason
    (0.5, 'the mice of each arm are all alike, so there is no variance to test with')
    """
    treated = _logs(first_mm3, last_mm3, floor_mm3)
    control = _logs(control_first_mm3, control_last_mm3, floor_mm3)
    n, k = len(treated), len(control)
    reason = _why_not(treated, control)
    if reason:
        return Effect(NAN, NAN, NAN, n, k, "none", reason)
    relative, control_relative = treated[:, 1] - treated[:, 0], control[:, 1] - control[:, 0]
    middle = float(relative.mean() - control_relative.mean())
    value = raised(middle)
    if min(n, k) < LEAST_MICE:
        reason = few_mice(n, k)
    error, degrees, no_error = welch(relative, control_relative)
    if reason or no_error:
        return Effect(value, NAN, NAN, n, k, "none", no_error or reason)
    half = error * float(stats.t.ppf(TAILS[1], degrees))
    return Effect(value, raised(middle - half), raised(middle + half), n, k, "Welch, log scale", "")


def growth_inhibition(
    first_mm3: Floats,
    last_mm3: Floats,
    control_first_mm3: Floats,
    control_last_mm3: Floats,
    *,
    floor_mm3: float = 0.0,
    rng: np.random.Generator,
) -> Effect:
    """Return TGI, %: 100 (1 - (T_t - T_0) / (C_t - C_0)) of the arm means; undefined where the control did not grow.

    Over 100 % the arm shrank. The interval takes the two volumes of a mouse as log-normal, with means, variances and
    a correlation of their own in each arm: a generalised interval (Krishnamoorthy & Mathew 2003), here the percentiles
    of the posterior under Jeffreys' prior. It is skewed as TGI is: far down, hardly up.

    Parameters
    ----------
    first_mm3, last_mm3
        (m,) volumes of the mice of the arm on the baseline and on the day of the comparison; NaN leaves a mouse out.
    control_first_mm3, control_last_mm3
        (k,) the same of the control.
    floor_mm3
        In the interval alone volumes below it count as the floor; with 0, a volume of 0 leaves no interval.
    rng
        Source of chance; used for the interval.

    Examples
    --------
    The arm grew by 100 mm3, the control by 400: 75 %.

    >>> start = np.array([100.0, 200.0])
    >>> found = growth_inhibition(start, start + 100, start, start + 400, rng=np.random.default_rng(0))
    >>> found.value, found.reason
    (75.0, 'an interval needs 5 mice in each arm; there are 2 and 2')
    """
    treated, control = _pairs(first_mm3, last_mm3), _pairs(control_first_mm3, control_last_mm3)
    n, k = len(treated), len(control)
    if not (n and k):
        return Effect(NAN, NAN, NAN, n, k, "none", NOBODY)
    change, control_change = (float(np.diff(arm.mean(axis=0))[0]) for arm in (treated, control))
    if control_change <= 0:
        return Effect(NAN, NAN, NAN, n, k, "none", "the control did not grow, so there is no growth to inhibit")
    value = 100 * (1 - change / control_change)
    logs = [floored_logs(arm, floor_mm3) for arm in (treated, control)]
    reason = few_mice(n, k) if min(n, k) < LEAST_MICE else ZERO if np.isnan(np.concatenate(logs)).any() else ""
    if reason:
        return Effect(value, NAN, NAN, n, k, "none", reason)
    low, high = _inhibition_interval(logs[0], logs[1], rng)
    if not np.isfinite(low + high):
        return Effect(value, NAN, NAN, n, k, "none", "the control may not have grown: TGI has no lower limit")
    return Effect(value, low, high, n, k, "generalised, log-normal volumes", "")


def _inhibition_interval(treated: Floats, control: Floats, rng: np.random.Generator) -> tuple[float, float]:
    change, control_change = (_drawn_changes(logs, rng) for logs in (treated, control))
    ratio = np.full(DRAWS, np.inf)
    np.divide(change, control_change, out=ratio, where=control_change > 0)
    # no interpolation: beside a draw without growth, whose ratio counts as infinite, it would give NaN
    low, high = np.quantile(ratio, TAILS, method="closest_observation")
    return float(100 * (1 - high)), float(100 * (1 - low))


def _drawn_changes(logs: Floats, rng: np.random.Generator) -> Floats:
    """Draw the mean change of an arm from its posterior, (DRAWS,): (n, 2) log volumes, first and last, are normal.

    The covariance is K K' with K lower triangular, the last volume first since most of the variance is its own:
    K = L / T, where L L' are the sums of squares and T is Bartlett's triangle with n and n - 1 degrees of freedom.
    """
    n = len(logs)
    ordered = logs[:, ::-1]
    root = _cholesky(ordered - ordered.mean(axis=0))
    turned = 1 / np.sqrt(rng.chisquare((n, n - 1), (DRAWS, 2)))
    across = -rng.standard_normal(DRAWS) * turned[:, 0] * turned[:, 1]
    k11, k22 = root[0, 0] * turned[:, 0], root[1, 1] * turned[:, 1]
    k21 = root[1, 0] * turned[:, 0] + root[1, 1] * across
    z = rng.standard_normal((DRAWS, 2)) / np.sqrt(n)
    last, first = ordered.mean(axis=0)
    last_means = last - k11 * z[:, 0] + k11**2 / 2
    first_means = first - k21 * z[:, 0] - k22 * z[:, 1] + (k21**2 + k22**2) / 2
    with np.errstate(over="ignore", invalid="ignore"):  # a draw beyond all bounds counts as unbounded
        change: Floats = np.exp(last_means) - np.exp(first_means)
    return np.nan_to_num(change, nan=np.inf)


def _cholesky(deviations: Floats) -> Floats:
    """Return the lower triangle of the sums of squares of (n, 2) deviations, also where they lie on a line."""
    sums = deviations.T @ deviations
    first = np.sqrt(sums[0, 0])
    across = sums[0, 1] / first if first > 0 else 0.0
    return np.array([[first, 0.0], [across, np.sqrt(max(sums[1, 1] - across**2, 0.0))]])


NOBODY = "no mouse of one of the arms has both volumes"


def _why_not(treated: Floats, control: Floats) -> str:
    if not (len(treated) and len(control)):
        return NOBODY
    return ZERO if np.isnan(treated).any() or np.isnan(control).any() else ""


def _pairs(first_mm3: Floats, last_mm3: Floats) -> Floats:
    """Return (n, 2) the two volumes of the mice that have both."""
    check_volumes(first_mm3, last_mm3)
    pairs = np.column_stack([first_mm3, last_mm3]).astype(np.float64)
    return pairs[np.isfinite(pairs).all(axis=1)]


def _logs(first_mm3: Floats, last_mm3: Floats, floor_mm3: float) -> Floats:
    return floored_logs(_pairs(first_mm3, last_mm3), floor_mm3)
