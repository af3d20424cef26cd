"""Conversation: who speaks, who listens, and when; without sound of its own, and without a process."""
