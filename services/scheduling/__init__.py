"""Sites, weekly blocks held for plans, and booking that can't oversell."""
