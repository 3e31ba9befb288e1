"""One rule for each verb, and the table that says from which status it is taken and where it leads."""
