"""Whether an address stays on this machine: the one place that says so."""

from ipaddress import IPv6Address, ip_address


def is_loopback(host: str) -> bool:
    """`localhost`, 127.0.0.0/8 or ::1, also in brackets or as IPv4 written in IPv6. A name that only looks like it is
    somebody else's, and one that would have to be looked up may be."""
    name = host.strip().removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def host_of(address: str) -> str:
    """The host of `host:port`, `[host]:port` or a bare host."""
    bare = address.strip()
    if bare.startswith("["):
        return bare[1:].partition("]")[0]
    head, colon, _ = bare.rpartition(":")
    return head if colon and ":" not in head else bare
