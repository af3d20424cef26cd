"""Carriers: one small protocol, a folder each."""
