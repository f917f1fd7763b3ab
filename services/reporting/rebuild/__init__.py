"""Wiping the tables and reading the log again; how far it has been read."""
