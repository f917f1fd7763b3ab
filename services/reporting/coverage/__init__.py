"""The cells of coverage, kept in step with the facts."""
