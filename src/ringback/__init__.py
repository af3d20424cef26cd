"""Ringback: the open, self-hosted phone system for AI agents."""

__version__ = "0.1.0"
