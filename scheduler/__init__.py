"""Background work: interval jobs that find what is due, and what is sent to Slack, agents, people and operators."""
