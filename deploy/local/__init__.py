"""The embedded stack: a real Kafka and a real Postgres on this machine, and the services on top of them."""
