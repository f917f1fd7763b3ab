"""Feed files in, members and their doses known, and of every member whether outreach may be offered, and why (not)."""
