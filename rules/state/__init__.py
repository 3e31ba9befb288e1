"""The state of a package, the commands, and the transitions that commands cause."""
