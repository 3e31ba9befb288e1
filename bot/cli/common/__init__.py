"""What the commands share: the session, faults as one line, and text for a terminal."""
