"""Programmes as documents: whom they are for, what they are after, arms and caps; what is observed of members."""
