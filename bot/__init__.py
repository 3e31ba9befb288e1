"""The interfaces of the service: Slack, the HTTP API, settings, the command line, composition."""
