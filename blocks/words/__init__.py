"""The service's sentences about a package, and quotes of people and agents."""
