"""Looking through the cases, reading one, counting them."""
