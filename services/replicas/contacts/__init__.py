"""How members can be reached, as eligibility tells it: sealed."""
