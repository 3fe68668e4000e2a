"""Long work: jobs, the build queue, the memory budget and the shared samples."""
