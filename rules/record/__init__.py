"""The record of events: how it is made and verified, and the status document."""
