"""A stand-in for the work of a job."""

import threading

PATIENCE = 10  # seconds until it ends by itself


class Work:
    """Work that shows progress until it is told to end; then it returns its result, or raises it."""

    def __init__(self, result, stage="embedding"):
        self.result, self.stage, self.begun, self.go_on = result, stage, threading.Event(), threading.Event()

    def __call__(self, progress):
        for _ in range(int(PATIENCE / 0.01)):
            progress(self.stage, 0.25)
            self.begun.set()
            if self.go_on.wait(0.01):
                break
        if isinstance(self.result, Exception):
            raise self.result
        return self.result
