"""Lookup: what kind of line a number is, as far as the network and the numbering plans tell."""
