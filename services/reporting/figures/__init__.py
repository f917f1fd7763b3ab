"""The figures of the weekly report."""
