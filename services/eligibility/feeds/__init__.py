"""Feed readers: bytes of a file in, records and rejections out. No database, no broker, no clock."""

from services.eligibility.feeds.reader import read_feed, read_stream

__all__ = ["read_feed", "read_stream"]
