"""Where somebody lives, and how vulnerable that place is."""
