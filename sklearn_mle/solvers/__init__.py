"""How the cost is made least: one algorithm a file."""
