"""By which hour of the open business day a request is decided."""
