"""The playground's page, and what one person sees in it."""
