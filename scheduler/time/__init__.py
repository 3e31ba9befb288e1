"""Jobs of the clock: due commands, silence, absences, retention, and the heartbeat that proves uptime."""
