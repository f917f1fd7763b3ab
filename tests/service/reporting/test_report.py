"""The figures of the report, on a season of some members and on a few whose story is known."""
