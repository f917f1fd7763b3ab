"""Members referred to partners, from the request to what became of it (DHCS closed loop)."""
