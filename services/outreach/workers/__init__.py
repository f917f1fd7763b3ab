"""Who works for a plan: what workers speak, know and have learned, where, when and how much they work."""
