"""Whom a row means, and what it does to that member and his coverage."""
