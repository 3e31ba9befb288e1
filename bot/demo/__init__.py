"""The demo: the whole service on one machine, with the playground in place of Slack, and sample agents.

The service is the one that `countersign serve` runs; it does not know that its Slack is a stand-in. Only this package
knows the playground.
"""
