"""Pictures of the console: `python -m tests.pictures` draws docs/pictures/console/ anew."""
