"""The documentation, for people and for AI readers: `/docs`, `/llms.txt`, `/llms-full.txt`, `/skill.md`."""
