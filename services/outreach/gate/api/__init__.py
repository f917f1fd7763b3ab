"""The API of the gate."""
