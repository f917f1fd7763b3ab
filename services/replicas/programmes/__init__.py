"""The vaccination programmes: every version that was published, and the one in effect."""
