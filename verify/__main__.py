"""``python -m verify`` is the command ``adasam``."""

from verify.cli import main

main()
