"""The verbs: one rule for each, and the table of the statuses in which a verb is accepted and to which it leads."""
