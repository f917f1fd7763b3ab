"""Which business day is open, and opening the next."""
