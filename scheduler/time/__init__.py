"""What time does: due commands, silence, absences, retention, and the heartbeat that proves it."""
