"""Who is whom: the tokens of persons, and which of them were merged into which."""
