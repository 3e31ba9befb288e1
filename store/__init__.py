"""What is remembered: tables, the transactions that change them, audit, outbox, queries."""
