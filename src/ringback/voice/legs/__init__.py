"""Ways to reach the other end of a call, one module each, behind the two seams of `base`."""
