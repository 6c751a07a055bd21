"""The budget of rows, and the deadline."""

from __future__ import annotations

import pytest

from adapters.errors import TooComplex
from gateway.limits import Budget, Deadline


def test_the_cost_is_parents_times_first_over_all_levels() -> None:
    budget = Budget(1_000)
    budget.spend(1, 10)
    budget.spend(10, 20)
    budget.spend(0, 100)
    assert budget.spent == 210


def test_the_statement_that_would_pass_the_limit_is_refused_and_not_counted() -> None:
    budget = Budget(100)
    budget.spend(1, 100)
    with pytest.raises(TooComplex) as refused:
        budget.spend(1, 1)
    assert refused.value.code == "QUERY_TOO_COMPLEX"
    assert refused.value.details == {"what": "cost", "limit": 100, "actual": 101}
    assert "max_cost is 100" in refused.value.message
    assert budget.spent == 100


def test_nobody_earns_rows_back() -> None:
    with pytest.raises(ValueError, match="negative"):
        Budget(100).spend(-1, 50)


def test_a_deadline_counts_down_and_stops_at_zero() -> None:
    now = 100.0
    deadline = Deadline(5, clock=lambda: now)
    assert (deadline.remaining(), deadline.expired) == (5.0, False)
    now = 104.5
    assert deadline.remaining() == 0.5
    now = 106.0
    assert (deadline.remaining(), deadline.expired) == (0.0, True)
