"""The stated rates of the generated population: what is wrong with the feeds, how often, on purpose.

Every number is a share of what its comment names. The demo prints them; tests hold a generated population to them.
"""

from typing import Final

# People
SHARE_60_TO_64: Final = 0.07  # on top of the members of 65 and older
SHARE_TURNING_65: Final = 0.20  # of those: their 65th birthday falls into the programme
SHARE_COUPLES: Final = 0.30  # of people: live with a spouse of the same family name
SHARE_IN_BOTH_PLANS: Final = 0.015  # of people: enrolled twice, in both plans
SHARE_LAKESHORE: Final = 0.60  # of people; the others are Prairie's
RACE_NOT_PROVIDED: Final = 0.12  # of enrolments: race and ethnicity left out of the roster
NO_PHONE: Final = 0.06  # of people
STRANGERS: Final = 0.04  # as many as this share of the members: in the registry but in no plan, half of them namesakes

# Uptake
UPTAKE_AT_START: Final = 0.45  # of people of 65 and older, over the whole population
UPTAKE_SLOPE: Final = 0.50  # uptake lost from the least to the most vulnerable tract
UPTAKE_60_TO_64: Final = 0.12
WEEKLY_UPTAKE: Final = 0.025  # of the unvaccinated, in a tract of median vulnerability
SECOND_DOSE: Final = 0.93  # of two-dose products, when due
REFUSALS: Final = 0.01  # of unvaccinated people: a refusal is in the registry

# What the roster does from week to week, as a share of its enrolments a week
WEEKLY_NEW: Final = 0.006
WEEKLY_MOVED: Final = 0.004
WEEKLY_TERMINATED: Final = 0.003
WEEKLY_DECEASED: Final = 0.0012
MERGED: Final = 0.004  # of Lakeshore's people, over the programme: two member ids that turn out to be one person
ROSTER_ROW_REPEATED: Final = 0.001  # of a file's rows
ROSTER_ROW_MALFORMED: Final = 0.0025  # of a full file's rows; a change file has one of each kind

# What is wrong with the registry's feed, as a share of its doses
NAME_TYPOS: Final = 0.04
TYPO_SPLITS_RECORD: Final = 0.70  # of those: the registry made a second record, under another id
LATE: Final = 0.04  # reported more than 14 days after they were given
RESENT: Final = 0.02  # the same event in a later file
REPEATED_IN_FILE: Final = 0.005  # the same message twice in one file
ALSO_HISTORICAL: Final = 0.10  # of second doses: the message repeats the first dose as historical
CORRECTED: Final = 0.01  # an update of date or lot follows
RETRACTED: Final = 0.006  # deleted later: the person never had it
MALFORMED: Final = 0.006  # rejected
REPAIRED: Final = 0.70  # of those: sent again correctly
DATED_AHEAD: Final = 0.002  # of doses after the first day: recorded before they are given, and again after
MRN_REUSED: Final = 0.005  # of people: a clinic's record number that another person has too
TRACT_IN_PID: Final = 0.35  # of messages: the patient's census tract is given
BY_EXTRACT_ONLY: Final = 0.05  # of second doses before the extract: only the tab-separated extract has them
ALSO_IN_EXTRACT: Final = 0.03  # of doses that messages reported before: the extract has them too
EXTRACT_BIRTH_DATE_WRONG: Final = 0.02  # of the extract's people
PROTECTED: Final = 0.003  # of registry records: the patient's data are protected (PD1-12)


def stated() -> dict[str, float]:
    """Every rate by its name."""
    return {name: value for name, value in globals().items() if name.isupper() and isinstance(value, float)}
