"""Messages: texts in and out of numbers, and what became of each."""
