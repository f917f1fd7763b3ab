"""What others say of members, and which tokens are one person."""
