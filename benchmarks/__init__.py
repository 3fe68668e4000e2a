"""Speed and memory, side by side with what a user would pick instead: python -m benchmarks, or a stage by its name.

They are no tests and assert no times: each prints a table and the record of its run.
"""
