"""What of the exact counts the report may show: all tables at once, because one beside the other could tell what each
of them hides. Where a table can't be kept safe otherwise it is left out. Pure.

Each rule is for somebody who has all of one report, and knows how its figures are defined. Reports of several weeks or
plans side by side are beyond it."""
