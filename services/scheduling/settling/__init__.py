"""What the news about members and programmes does to live bookings."""
