"""App Home, the answers of `/reviews`, the numbers, and what admins are told of troubles."""
