"""Details: everything that there is to show of a package."""
