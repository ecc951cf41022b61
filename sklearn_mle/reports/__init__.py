"""What people look at: scores, comparisons, pictures."""
