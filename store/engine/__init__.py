"""SQLite and PostgreSQL behind one interface, and fast execution of statements."""
