"""The server of the page: the guard, the lab's own endpoints, regular clean-up, and a graceful stop."""

import asyncio
import gc
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import ModuleType
from typing import cast

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from retriever.encoders.device import resolve_device
from retriever.fair_lock import MACHINE_LOCK
from retriever.parameters import MEGABYTE
from retriever.run_record import versions
from ui.classroom.classrooms import Classrooms
from ui.classroom.routes import ClassRoutes
from ui.gate.guard import Guard
from ui.gate.login import USER, Logins
from ui.gate.routes import API_PREFIX
from ui.gate.sessions import MAX_UNFINISHED, Sessions
from ui.gate.states import LabStateHolder
from ui.gate.visitors import Visitors
from ui.hosting.asset_cache import AssetCache
from ui.hosting.headers import SecurityHeaders
from ui.hosting.http_server import HttpServer
from ui.hosting.page_head import PageHead
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import RUNNING, cancel_all
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.shared_samples import SharedSamples
from ui.lessons.measuring import LessonMeasurements
from ui.log import log_event, log_failure, refused_counts
from ui.milvus.server import LabMilvus
from ui.programs.server import tool_server
from ui.render.styles import STYLE_SHEET, THEME
from ui.settings import framing_sites, limits, password, trusted_proxies
from ui.uploads.disk_budget import DISK_BUDGET
from ui.uploads.endpoint import upload_routes
from ui.uploads.folder import sweep_uploads

SWEEP_SECONDS = 5.0  # seconds between two checks for ended sessions and old uploads
SETTLE_SECONDS = 1.0  # seconds between two checks whether the first sample is ready
SWITCH_SECONDS = 0.0001  # seconds a thread may keep the GIL from others: a timed section takes it a hundred times
POLL_SECONDS = 0.02  # seconds between two looks of Gradio's queue; its own value, 0.001, takes 4 to 8 % of a core
LONG_WAIT_SECONDS = 10.0  # seconds that a build waits until the lab is called busy
STOP_SECONDS = 10.0  # seconds that running jobs have to end
TELL_SECONDS = 1.0  # seconds for pages that waited for a cancelled job to be told
UPLOAD_SECONDS = 600.0  # seconds that an unread upload, or a download, stays on the disk for a page that is open


class Server:
    """The server of one page, from its launch to its stop."""

    def __init__(
        self,
        demo: gr.Blocks,
        shared_samples: SharedSamples,
        lessons: LessonMeasurements | None = None,
        milvus: LabMilvus | None = None,
    ) -> None:
        """Store the page, its shared samples, what its lessons measure and its Milvus server; nothing is started yet.

        Raises ParameterError for a bad setting.
        """
        self.demo, self.shared_samples, self.tools = demo, shared_samples, tool_server(shared_samples)
        self.lessons, self.milvus = lessons or LessonMeasurements(shared_samples), milvus
        self.visitors, self.logins, self.sessions = Visitors(), Logins(password()), Sessions(demo)
        self.classrooms = Classrooms()
        self._began, self._stopping = time.monotonic(), threading.Event()
        self._http: HttpServer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> str:
        """Serve the page and return its address. Raises ParameterError for a bad setting, or if no port is free."""
        allowed = limits()
        trusted_proxies(), framing_sites(), resolve_device()  # a bad setting is told now, not to the first visitor
        sys.setswitchinterval(SWITCH_SECONDS)
        # Gradio tries to import it at every event, which searches all paths in vain; so it fails at once.
        sys.modules.setdefault("matplotlib", cast(ModuleType, None))
        self._http = HttpServer(self._app())
        address = self._http.start()
        if self.milvus:
            self.milvus.start()
        log_event("start", address=address, sessions=allowed.sessions, memory_megabytes=allowed.memory_megabytes)
        return address

    def _app(self) -> FastAPI:
        """Return the whole app: headers and guard, then the lab's own endpoints, then Gradio's."""
        allowed, head = limits(), PageHead(str(self.demo.title))
        app = FastAPI(
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=self._lifespan,
            routes=[
                Route("/health", self.health),
                Route("/login", self.logins.log_in, methods=["POST"]),
                Route("/login/", self.logins.log_in, methods=["POST"]),
                Route("/logout", self.logins.log_out, methods=["POST"]),
                *head.routes(),
                *upload_routes(API_PREFIX),
                *ClassRoutes(self.classrooms, self.lessons).routes(),
                *(self.tools.routes(API_PREFIX) if self.tools else ()),
            ],
            middleware=[
                Middleware(SecurityHeaders, head=head),
                Middleware(Guard, visitors=self.visitors, logins=self.logins, sessions=self.sessions),
                Middleware(CORSMiddleware),  # which allows no other site; with it, Gradio leaves CORS alone
            ],
        )
        demo, events = self.demo, allowed.sessions * MAX_UNFINISHED
        demo.max_threads = events  # of which LabBlocks lets a visitor take a few
        demo.queue(max_size=events)
        demo.state_session_capacity = 2 * events  # never reached: the registry decides
        queue = demo._queue
        queue.sleep_when_free, queue.progress_update_sleep_when_free = POLL_SECONDS, 1.0
        demo.mcp_server = self.tools is not None  # so its API view says; Gradio's own, below, stays off
        gr.mount_gradio_app(
            app,
            demo,
            path="/",
            auth=[(USER, password())] if self.logins.needed else None,
            app_kwargs={"middleware": [Middleware(AssetCache)]},
            max_file_size=allowed.upload_megabytes << 20,  # the page names it in these megabytes
            theme=THEME,
            css_paths=STYLE_SHEET,
            footer_links=["api"],
            run_history=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,  # ui/programs/server.py says why
        )
        mounted = next(route for route in app.routes if isinstance(route, Mount))
        gradio_app = demo.app = cast(App, mounted.app)  # as launch does; the app before it serves nothing
        gradio_app.state_holder = LabStateHolder(demo)
        gradio_app.tokens = self.logins.tokens  # type: ignore[assignment] # which forgets old ones
        self.logins.cookies = (
            f"access-token-{gradio_app.cookie_id}",
            f"access-token-unsecure-{gradio_app.cookie_id}",
        )
        return app

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Sweep as long as the app is served."""
        self._loop = asyncio.get_running_loop()
        sweeping = asyncio.create_task(self._sweep_regularly())
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    def run(self) -> None:
        """Serve the page until SIGTERM or SIGINT, then stop gracefully."""
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
        if self.milvus:
            self.milvus.stop()
        time.sleep(tell)
        self.demo.close(verbose=False)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.classrooms.stop)
        if self._http is not None:
            self._http.close()
        log_event("stop", seconds_up=round(time.monotonic() - self._began), all_work_ended=ended)

    async def health(self, request: Request) -> Response:  # request: a route's argument
        """Return the lab's state as JSON for its operator and for probes, with status 503 while it stops."""
        stopping, saturated = self._stopping.is_set(), self._saturated()
        samples = {
            name: "ready" if self.shared_samples.ready(name) else "preparing" for name in self.shared_samples.names
        }
        samples |= {name: "failed" for name in self.shared_samples.names if self.shared_samples.failure(name)}
        state = {
            "status": "stopping" if stopping else "busy" if saturated else "ok",
            "saturated": saturated,
            "seconds_up": round(time.monotonic() - self._began),
            "visitors": len(self.visitors),
            "events": self.sessions.unfinished,
            "jobs": len(RUNNING),
            "milvus": "off" if self.milvus is None else "ready" if self.milvus.answers else "away",
            "tool_calls": dict(self.tools.facts()) if self.tools else "off",
            "builds": {
                "working": BUILD_QUEUE.working,
                "waiting": BUILD_QUEUE.waiting,
                "longest_wait_seconds": round(BUILD_QUEUE.longest_wait, 1),
            },
            "collections_megabytes": round(MEMORY_BUDGET.held / MEGABYTE, 1),
            "uploads": DISK_BUDGET.facts(),
            "classes": self.classrooms.facts(),
            "refused": refused_counts(),
            "samples": samples,
            "versions": dict(versions()),
        }
        return JSONResponse(state, status_code=503 if stopping else 200)

    def _saturated(self) -> list[str]:
        """Return of what there is no more, or hardly any, so that visitors wait or are refused."""
        allowed = limits()
        shares = {
            "visitors": len(self.visitors) / allowed.sessions,
            "events": self.sessions.unfinished / (allowed.sessions * MAX_UNFINISHED / 2),
            "builds": BUILD_QUEUE.longest_wait / LONG_WAIT_SECONDS,
            "memory": MEMORY_BUDGET.held / (0.9 * allowed.memory_megabytes * MEGABYTE),
            "disk": DISK_BUDGET.held / (0.9 * allowed.disk_megabytes * MEGABYTE),
        }
        return [name for name, share in shares.items() if share >= 1]

    def _handle_stop_signal(self, number: int, frame: object) -> None:  # a signal handler's arguments
        self._stopping.set()

    async def _sweep_regularly(self) -> None:
        """End the sessions of visitors whose time has run out, and delete old uploads, until the stop."""
        while not self._stopping.is_set():
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._sweep()
            except Exception as error:  # of whatever kind: a sweep that ends would keep everything from then on
                log_failure("fault", error, handler="sweep")

    async def _sweep(self) -> None:
        self.classrooms.sweep()
        ended = self.visitors.expired()
        for name in {*ended, *self.sessions.names} - set(self.visitors.names):
            await self.sessions.forget(name)
        await self.sessions.drop_unread()
        if ended:
            await asyncio.to_thread(_collect_garbage)
            log_event("sessions ended", sessions=len(ended), visitors=len(self.visitors))
        await asyncio.to_thread(sweep_uploads, UPLOAD_SECONDS, set(self.visitors.names))


def _collect_garbage() -> None:
    """Free what ended sessions leave in cycles: an error that was shown holds what its handlers had, by its traceback.

    In an idle lab the collector would not come by itself, and memory and copies in Milvus would be kept.
    """
    with MACHINE_LOCK.shared():  # nothing is timed meanwhile
        gc.collect()
