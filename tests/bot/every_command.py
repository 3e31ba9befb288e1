"""Imports the modules of all commands, which the command line does only when a command is used.

Forked processes then start without importing, and a module that is imported during a test cannot keep what the test
has patched.
"""

from __future__ import annotations

from bot.cli import COMMANDS

for command in COMMANDS:
    command.load()
