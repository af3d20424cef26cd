"""Accounts and their keys. Every key belongs to a leaf account."""
