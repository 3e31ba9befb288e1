"""`python -m bot.cli` is `countersign`."""

from bot.cli import main

main()
