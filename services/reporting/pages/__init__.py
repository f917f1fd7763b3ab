"""The report as page, text and CSV, and the routes of reports."""
