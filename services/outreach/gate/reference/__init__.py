"""Where ZIPs and area codes lie: states and time zones."""
