"""The policy: how much human each thing takes, and which humans."""
