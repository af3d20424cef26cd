"""The console: who may look, what a page shows, and that nothing on it is more than text."""
