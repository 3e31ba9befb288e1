"""Sends the audit events to the operators' receivers, in order for each chain."""
