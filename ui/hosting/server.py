"""The server of the page: guard, upload and health endpoints, regular clean-up, and a graceful stop."""

import gc
import signal
import sys
import threading
import time
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retriever.parameters import MEGABYTE
from retriever.run_record import versions
from ui.hosting.asset_cache import AssetCache
from ui.hosting.guard import API_PREFIX, Guard
from ui.hosting.visitors import Visitors
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import RUNNING, cancel_all
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples
from ui.log import log_event
from ui.render.styles import STYLE_SHEET, THEME
from ui.settings import limits, password
from ui.uploads.endpoint import upload_routes
from ui.uploads.folder import sweep_uploads

MAX_THREADS = 200  # threads that wait or work for visitors; most of them wait
MAX_WAITING = 500  # events of all visitors that may wait at once
SWEEP_SECONDS = 5.0  # seconds between two checks for ended sessions and old uploads
SETTLE_SECONDS = 1.0  # seconds between two checks whether the first sample is ready
SWITCH_SECONDS = 0.0005  # seconds a thread may keep the GIL from others: a timed section takes it a hundred times
STOP_SECONDS = 10.0  # seconds that running jobs have to end
TELL_SECONDS = 1.0  # seconds for pages that waited for a cancelled job to be told
UPLOAD_SECONDS = 600.0  # seconds that an unread upload, or a download, stays on the disk


class Server:
    """The server of one page, from its launch to its stop."""

    def __init__(self, demo: gr.Blocks, shared_samples: SharedSamples) -> None:
        """Store the page and its shared samples; nothing is started yet."""
        self.demo, self.shared_samples = demo, shared_samples
        self.visitors = Visitors()
        self._began, self._stopping = time.monotonic(), threading.Event()

    def start(self, **options: Any) -> str:  # noqa: ANN401 - what launch takes
        """Launch the page and return its address; options are passed to Gradio's launch."""
        allowed, secret = limits(), password()
        self.demo.queue(max_size=MAX_WAITING)
        routes = [
            Route("/health", self.health),
            *upload_routes(API_PREFIX),
        ]
        middleware = [Middleware(Guard, visitors=self.visitors), Middleware(AssetCache)]
        sys.setswitchinterval(SWITCH_SECONDS)
        _, address, _ = self.demo.launch(
            theme=THEME,
            css_paths=STYLE_SHEET,
            footer_links=[],
            ssr_mode=False,
            max_threads=MAX_THREADS,
            state_session_capacity=2 * allowed.sessions,
            max_file_size=allowed.upload_megabytes << 20,  # the page names it in these megabytes
            auth=[("class", secret)] if secret else None,
            app_kwargs={"routes": routes, "middleware": middleware},
            prevent_thread_lock=True,
            **options,
        )
        threading.Thread(target=self._sweep_regularly, name="sweep", daemon=True).start()
        log_event("start", sessions=allowed.sessions, memory_megabytes=allowed.memory_megabytes)
        return str(address).rstrip("/")

    def run(self) -> None:
        """Launch the page, serve until SIGTERM or SIGINT, then stop gracefully."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle_stop_signal)
        self.start()
        self._freeze_collector()
        self._stopping.wait()
        self.stop()

    def _freeze_collector(self) -> None:
        """Exempt the libraries' objects, half a million, from garbage collection once they are loaded.

        Scanning all of them took 0.2 seconds each time, in which no visitor was served; what visitors bring later is
        still collected.
        """
        while not self.shared_samples.best() and not self._stopping.wait(SETTLE_SECONDS):
            pass  # the first sample is ready only after the model is loaded
        gc.collect()
        gc.freeze()

    def stop(self, *, tell: float = TELL_SECONDS) -> None:
        """Cancel running jobs, wait a little for their end, close the page and delete uploads.

        tell: seconds for the pages to be told of cancelled jobs.
        """
        self._stopping.set()
        self.shared_samples.stop()
        ended = cancel_all(STOP_SECONDS)
        time.sleep(tell)
        self.demo.close(verbose=False)
        log_event("stop", seconds_up=round(time.monotonic() - self._began), all_work_ended=ended)

    async def health(self, request: Request) -> Response:  # request: a route's argument
        """Return the lab's state as JSON for its operator and for probes, with status 503 while it stops."""
        stopping = self._stopping.is_set()
        samples = {
            name: "ready" if self.shared_samples.ready(name) else "preparing" for name in self.shared_samples.names
        }
        samples |= {name: "failed" for name in self.shared_samples.names if self.shared_samples.failure(name)}
        state = {
            "status": "stopping" if stopping else "ok",
            "seconds_up": round(time.monotonic() - self._began),
            "visitors": len(self.visitors),
            "full": self.visitors.full,
            "jobs": len(RUNNING),
            "builds": {"working": BUILD_QUEUE.working, "waiting": BUILD_QUEUE.waiting},
            "collections_megabytes": round(MEMORY_BUDGET.held / MEGABYTE, 1),
            "samples": samples,
            "versions": dict(versions()),
        }
        return JSONResponse(state, status_code=503 if stopping else 200)

    def _handle_stop_signal(self, number: int, frame: object) -> None:  # a signal handler's arguments
        self._stopping.set()

    def _sweep_regularly(self) -> None:
        """End the sessions of visitors whose time has run out, and delete old uploads, until the stop."""
        while not self._stopping.wait(SWEEP_SECONDS):
            ended = self.visitors.expired()
            for name in ended:
                self.forget(name)
            if ended:
                log_event("sessions ended", sessions=len(ended), visitors=len(self.visitors))
            sweep_uploads(UPLOAD_SECONDS)

    def forget(self, name: str) -> None:
        """Delete all that Gradio holds for a session, and cancel its jobs."""
        holder = self.demo.app.state_holder
        state = holder.session_data.pop(name, None)
        holder.time_last_used.pop(name, None)
        for value in list(state.state_data.values()) if state else []:
            job = getattr(value, "job", value)
            if hasattr(job, "cancel"):
                job.cancel()
