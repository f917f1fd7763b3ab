"""Queueing, sending and hearing of messages."""
