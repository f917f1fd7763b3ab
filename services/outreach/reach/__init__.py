"""How members can be reached: what eligibility tells of it, sealed, and what workers heard since."""
