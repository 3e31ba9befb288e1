"""OpenTelemetry traces: off by default, and an extra of the package."""
