"""How codes and figures are said to people."""

from services.reporting.population.shares import Interval

HIDDEN = "hidden"
LEFT_OUT = "Left out: each of its rows, or what one less another makes, would tell of 1 to 10 people."

_WORDS = {
    "enrolled": "Enrolled",
    "ever-eligible": "Eligible at some time",
    "case-opened": "Case opened",
    "attempted": "Attempted",
    "reached": "Reached in a conversation",
    "booked": "Booked",
    "dose-after-outreach": "Dose at the booked visit",
    "dose-at-own-site-otherwise": "Dose at our sites, other way",
    "dose-elsewhere": "Dose elsewhere",
    "dose-before-the-case": "Dose before, heard of later",
    "no-dose": "No dose known",
    "appointment": "At our sites",
    "iis": "Elsewhere (state registry)",
    "plan": "Elsewhere (plan)",
    "unknown": "Unknown",
    "hispanic": "Hispanic or Latino (any race)",
    "american-indian-or-alaska-native": "American Indian or Alaska Native",
    "asian": "Asian",
    "black-or-african-american": "Black or African American",
    "native-hawaiian-or-pacific-islander": "Native Hawaiian or Pacific Islander",
    "white": "White",
    "other": "Other",
    "multiracial": "Several races",
    "thinking-feeling": "Thinking and feeling",
    "social-processes": "Social processes",
    "motivation": "Motivation",
    "practical-issues": "Practical issues",
    "transportation-insecurity": "No way to get there",
    "language-access": "Language",
    "digital-access": "No telephone or internet",
    "digital-literacy": "Booking online is hard",
    "social-connection": "Nobody to go with",
    "personal-health-literacy": "Health information is hard to follow",
    "housing-instability": "Housing at risk",
    "medical-cost-burden": "Fears the cost",
    "financial-insecurity": "Can't afford the time or the way",
    "homelessness": "No home",
    "food-insecurity": "Not enough food",
    "x12-834": "Rosters (X12 834)",
    "hl7-vxu": "Registry messages (HL7 VXU)",
    "ads-maa": "Registry extracts (ADS/MAA)",
    "tract:1": "1 - least vulnerable",
    "tract:2": "2",
    "tract:3": "3",
    "tract:4": "4 - most vulnerable",
    "county:1": "1 - least vulnerable",
    "county:2": "2",
    "county:3": "3",
    "county:4": "4 - most vulnerable",
    "zip:1": "below 25 % of residents",
    "zip:2": "25 to 50 %",
    "zip:3": "50 to 75 %",
    "zip:4": "75 % and more",
}
LEVELS = {
    "tract": "By the member's census tract",
    "zip": "By ZIP: share of residents in vulnerable tracts",
    "county": "By county (coarse)",
}


def say(code: str) -> str:
    """A code in words; one that is new here, as it is."""
    return _WORDS.get(code, code.replace("-", " ").capitalize() if code.isascii() and not code[:1].isdigit() else code)


def number(people: int | None) -> str:
    """A count, or that it is hidden: which tells nothing of how large it is."""
    return HIDDEN if people is None else f"{people:,}"


def percent(share: float | None, digits: int = 0) -> str:
    return "hidden" if share is None else f"{share * 100:.{digits}f} %"


def span(interval: Interval) -> str:
    """A confidence interval of a share."""
    return f"{interval.low * 100:.0f} to {interval.high * 100:.0f} %"


def points(interval: Interval) -> str:
    """A difference of shares, in percentage points."""
    low, high = sorted((abs(interval.low), abs(interval.high)))
    if interval.low < 0 < interval.high:
        return f"{interval.value * 100:+.0f} points (95 % CI {interval.low * 100:+.0f} to {interval.high * 100:+.0f})"
    return f"{abs(interval.value) * 100:.0f} points (95 % CI {low * 100:.0f} to {high * 100:.0f})"
