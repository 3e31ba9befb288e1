"""The demo's own controls beside the playground, and its clock."""
