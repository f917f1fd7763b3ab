"""Doses that were given: the copy of what others told, and when a dose can have been given."""
