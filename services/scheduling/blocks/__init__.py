"""Weekly blocks of slots, the plan that they are held for, and the places in them."""
