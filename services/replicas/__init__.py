"""What several services keep of what others said: who is whom, the programmes in effect, the open day. It knows no
service."""
