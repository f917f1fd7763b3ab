"""The business day: what is "today" to every rule, so that the same facts give the same answer at any time. Pure."""

from datetime import timedelta

ONE_DAY = timedelta(days=1)
