"""Mails to people: who has to be told of what, what was sent, and what each person wants."""
