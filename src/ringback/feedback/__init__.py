"""Feedback: what callers tell whoever runs this server. It stays here."""
