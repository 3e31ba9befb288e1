"""Mails to people: who must be told of what, what was sent, and what each person wants."""
