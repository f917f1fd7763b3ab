"""What registries and sites report of doses, and the canonical dose that is derived from it."""
