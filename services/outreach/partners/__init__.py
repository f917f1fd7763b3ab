"""With whom a plan works: organisations, what they ask and offer, their contracts, and the groups that govern."""
