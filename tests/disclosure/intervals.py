"""What a 95 % interval tells of how many people it is of: the narrower, the more."""

from math import sqrt

Z2 = 1.959963984540054**2


def wilson(share: float, of: float) -> tuple[float, float]:
    """Wilson's interval of a share of so many."""
    middle, width = 2 * share * of + Z2, sqrt(Z2 * (Z2 + 4 * of * share * (1 - share)))
    return (middle - width) / (2 * (of + Z2)), (middle + width) / (2 * (of + Z2))


def members_of(share: float, low: float, high: float, off: float) -> tuple[float, float]:
    """Between how many and how many people the interval can be of, where its ends are known give or take `off`."""
    width = high - low
    return _fewest(share, width + 2 * off + 1e-9), _fewest(share, max(width - 2 * off - 1e-9, 1e-9))


def _fewest(share: float, width: float) -> float:
    """The least number of people whose interval is as narrow as that; whole where it is nearly so."""
    least, most = 0.0, 1e9
    for _ in range(100):
        middle = (least + most) / 2
        low, high = wilson(share, middle)
        least, most = (middle, most) if high - low > width else (least, middle)
    return round(most) if abs(most - round(most)) < 0.02 else most
