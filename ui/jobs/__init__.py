"""Long work: jobs, their queue and memory budget, and the shared samples."""
