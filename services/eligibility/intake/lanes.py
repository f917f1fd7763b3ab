"""Whose turn a file waits for: files of one lane are read one after the other, lanes take turns. Pure."""

FOR_ALL = "*"
ISA = b"ISA"
SENDER = 6
"""ISA06 names an interchange's sender."""
HEAD_BYTES = 256
MOST_CHARS = 64


def lane_of(tenant: str, head: bytes) -> str:
    """A plan's own files are one lane. What comes for all plans is told apart by its sender, as far as its first bytes
    say who that is."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if tenant != FOR_ALL or not text.startswith(ISA):
        return tenant
    elements = text[:HEAD_BYTES].split(text[3:4] or b"*")
    sender = elements[SENDER].decode("latin-1").strip() if len(elements) > SENDER else ""
    return f"{tenant}/{sender[:MOST_CHARS]}" if sender.isascii() and sender.isprintable() and sender else tenant
