"""From 10 thousand to 10 billion vectors on paper: what is measured here, and the plan that follows from it."""
