"""What the fit tells."""
