"""What a mail tells a person, and why they get it."""
