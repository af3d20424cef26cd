"""Conversations: one for each pair of a number of ours and another party."""
