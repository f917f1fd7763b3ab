"""SQL of who is counted: the tables that a report is made of, and counts of them."""
