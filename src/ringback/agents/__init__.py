"""Agents: who texts and talks on numbers, and how."""
