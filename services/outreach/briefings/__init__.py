"""Who is to be called, how, why, and what was said before, in one answer; and what the worker heard of the how."""
