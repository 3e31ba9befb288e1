"""The measures of human control: what is counted of each package, and each measure's one definition."""
