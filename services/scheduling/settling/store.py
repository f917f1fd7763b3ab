"""The queue of members whose live bookings a changed programme may touch, until they are settled."""

from services.kit.review_queue import ReviewQueue

WAITING_MEMBERS = ReviewQueue("waiting_member", "member_token")
