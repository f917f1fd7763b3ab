"""Which worker reaches which member: the rules, the assignment of many at once, and what stands assigned."""
