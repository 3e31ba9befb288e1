"""The two databases behind one shape, and how statements reach them."""
