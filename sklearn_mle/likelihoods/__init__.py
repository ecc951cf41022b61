"""What a whole fit costs."""
