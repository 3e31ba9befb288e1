"""Threads: people hold, resume and cancel what an agent does, across all packages that name the same thread."""
