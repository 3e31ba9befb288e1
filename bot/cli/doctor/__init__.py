"""`countersign doctor`: checks the setup."""
