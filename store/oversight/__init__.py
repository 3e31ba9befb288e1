"""What the measures of human control count, and the queries that count it."""
