"""A clinic is closed: nobody books there any more, and the bookings are off."""
