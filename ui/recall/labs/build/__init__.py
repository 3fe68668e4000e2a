"""The build lab: M and efConstruction."""
