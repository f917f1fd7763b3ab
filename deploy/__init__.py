"""What starts the services: the embedded stack, the command line, topics, images and their settings."""
