"""What the log says, written down."""
