"""Who decides what an agent says: one module for each kind, behind the protocol of `base`."""
