"""Who is whom: every member token ever heard of, and the person it stands for by now."""
