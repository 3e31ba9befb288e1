"""The card of a package, the notes in its thread, and its fallback text."""
