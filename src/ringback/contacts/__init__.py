"""Contacts: the people whom an account knows, one for each of their numbers."""
