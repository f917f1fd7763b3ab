"""Who is counted, as of which day, and what may be shown of it."""
