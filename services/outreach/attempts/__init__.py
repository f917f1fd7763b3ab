"""Logging a contact, and taking one back."""
