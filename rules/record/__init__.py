"""The record of what happened, how it is proven, and what is read from it."""
