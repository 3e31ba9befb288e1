"""What every listener needs: who clicked what, on which card or view, and the command for it."""
