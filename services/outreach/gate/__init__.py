"""The contact gate: whether a member may be contacted now, by one channel, and if not, why and from when on."""
