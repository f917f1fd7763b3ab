"""Sites where vaccine is given, and the products that each of them gives."""
