"""The API of matching: assignments, and what is told that ends them."""
