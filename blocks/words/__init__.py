"""What the service says of a package, in its own words and in quotes."""
