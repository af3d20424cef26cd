"""What spans rooms. A flow changes state and writes what must happen next, in one transaction."""
