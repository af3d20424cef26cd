"""Live calls: the host that holds them for the server, and the media children in which they are spoken."""
