"""For which vaccine groups a product counts, by CDC's table of CVX codes. Pure.

`cvx_groups.json` is written by `python -m deploy.contracts` from the release that eligibility forecasts with.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("cvx_groups.json")


@cache
def cvx_groups() -> Mapping[str, frozenset[str]]:
    """The codes of the groups that each product counts for; a product of no group is not there."""
    return {cvx: frozenset(groups) for cvx, groups in json.loads(TABLE.read_text("utf-8")).items()}


@cache
def groups() -> frozenset[str]:
    """The codes of all groups that some product counts for."""
    return frozenset().union(*cvx_groups().values())


def may_count_for(cvx: str, group: str) -> bool:
    """Whether CDC's table does not say otherwise: a product that it does not have may be of any group."""
    return group in cvx_groups().get(cvx, {group})
