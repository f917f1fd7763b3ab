"""How a file is taken: in slices, in its turn, each row with its outcome; the front door."""
