"""The key ring of every service that a test or a chaos round starts by itself."""

RING = "tests-1 dGVzdHMgc2VhbCB3aXRoIHRoaXMgb25lIGtleSwgb2s=\n"
