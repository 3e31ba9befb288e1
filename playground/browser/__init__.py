"""The page of the playground, and what one person sees in it."""
