"""The lessons: their texts as data, what they measure, and the reveal, without any component of the page."""
