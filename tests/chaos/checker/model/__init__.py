"""All state recomputed in plain Python: people and doses from the files, everything else from the log."""
