"""Calls that were saved, to be played again and judged. Works on any server by its API; imports nothing of one."""
