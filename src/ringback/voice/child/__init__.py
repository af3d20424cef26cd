"""A media child: a process that holds the sound, the turns and the brains of up to 25 calls, and no database."""
