"""What was tried, what was said, and the effect of each disposition."""
