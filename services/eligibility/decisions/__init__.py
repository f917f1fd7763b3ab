"""Who is eligible and why, what is news of it, and whatever has somebody decided anew."""
