"""The open business day, and by which hour of it a request is decided."""
