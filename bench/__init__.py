"""How fast it is, as ratios to a baseline in the same run: machines are noisy, ratios less so."""
