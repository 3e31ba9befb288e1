"""People and agents: the directory, roles, keys, earned autonomy and working time."""
