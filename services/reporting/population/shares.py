"""Counts of people, and how sure their shares, differences and ratios are: 95 % confidence intervals. Pure."""

from dataclasses import dataclass
from math import exp, log, sqrt

Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact counts, never shown as they are."""

    members: int
    vaccinated: int


def wilson(some: int, of: int) -> Interval:
    """A share with Wilson's score interval (Wilson 1927; Newcombe, Stat Med 1998;17:857-872, method 3)."""
    share, z2 = some / of, Z_95**2
    middle, width = 2 * some + z2, Z_95 * sqrt(z2 + 4 * some * (1 - share))
    low, high = (middle - width) / (2 * (of + z2)), (middle + width) / (2 * (of + z2))
    return Interval(share, max(0.0, low), min(1.0, high))


def difference(first: Counts, second: Counts) -> Interval:
    """First share minus second, with the square-and-add Wilson interval (Newcombe, Stat Med 1998;17:873-890,
    method 10)."""
    left, right = wilson(first.vaccinated, first.members), wilson(second.vaccinated, second.members)
    value = left.value - right.value
    down = sqrt((left.value - left.low) ** 2 + (right.high - right.value) ** 2)
    up = sqrt((left.high - left.value) ** 2 + (right.value - right.low) ** 2)
    return Interval(value, value - down, value + up)


def ratio(first: Counts, second: Counts) -> Interval:
    """First share over second, with the log interval (Katz et al., Biometrics 1978;34:469-474). Both counts of
    vaccinated must be above 0."""
    value = (first.vaccinated / first.members) / (second.vaccinated / second.members)
    error = sqrt(1 / first.vaccinated - 1 / first.members + 1 / second.vaccinated - 1 / second.members)
    return Interval(value, exp(log(value) - Z_95 * error), exp(log(value) + Z_95 * error))
