"""Members who must hear, without a call, that a booking is off."""
