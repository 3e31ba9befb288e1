"""Mails about what waits for a person: a subject, a plain text and HTML, both drawn from the same parts."""
