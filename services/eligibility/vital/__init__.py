"""Who says that a member has died, may not be reached or not be shared, and whose word holds."""
