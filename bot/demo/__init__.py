"""The demo: the whole service on one machine, the playground in Slack's place, and sample agents that keep it alive.

The service under it is the one that `countersign serve` runs; it does not know where its Slack is. This is the only
package of ours that knows the playground.
"""
