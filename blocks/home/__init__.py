"""App Home, the answers of `/reviews`, statistics, and alerts to admins."""
