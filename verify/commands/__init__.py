"""The commands: a file each, their shared options, and what they write to the terminal."""
