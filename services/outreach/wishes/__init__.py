"""Whom a member wants to be called by, and whom not."""
