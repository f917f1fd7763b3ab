"""Views that are made of the log alone."""
