"""The load test: many visitors at once, whose every answer is compared with that of one visitor alone."""
