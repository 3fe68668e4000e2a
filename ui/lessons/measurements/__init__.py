"""What the lessons measure, live, with the code and the samples of the tabs."""
