"""Generated and hostile input."""
