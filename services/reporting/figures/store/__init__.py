"""SQL of the report's figures, over the population of a question."""
