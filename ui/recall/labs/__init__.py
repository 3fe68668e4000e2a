"""The build lab and the size lab of the third tab."""
