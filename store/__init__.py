"""The database: tables, transactions, queries, audit and outbox."""
