"""The gate that every send passes: opt-outs, numbers never to be reached, registration."""
