"""The open business day."""
