"""The edges and the front door: the HTTP API, settings, the command line, composition."""
