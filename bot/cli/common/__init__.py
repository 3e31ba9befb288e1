"""Shared by the commands: access to the database, errors as one line, and text for a terminal."""
