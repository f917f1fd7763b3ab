"""CDC's vaccine logic: which dose is due when, by its supporting data."""
