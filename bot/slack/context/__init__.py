"""What every listener needs: who clicked what, where, and the command that it means."""
