"""What is true of a package, what can be asked for, and what a command comes to."""
