"""Appointments: booking, moving and cancelling them, and what came of each."""
