"""The embedded Milvus server, started as a user starts it, for tests that need one.

Where MILVUS_TEST_URI is set, the tests run over that server instead, and drop only the collections that they made.
"""

import asyncio
import base64
import datetime
import ipaddress
import os
import threading
import time
import uuid
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.milvus.server import MilvusServer

PATIENCE = 60  # seconds until a server has stopped: the machine may be busy


@contextmanager
def milvus_uri(folder):
    """Yield the address of a server for tests: that of MILVUS_TEST_URI, or one that is started over a folder."""
    if given := os.environ.get("MILVUS_TEST_URI"):
        yield given
        return
    with MilvusServer(folder) as server:
        yield server.uri


def fresh_name():
    """Return a name of a collection that no server has."""
    return f"test_{uuid.uuid4().hex}"


@contextmanager
def far_away(port, seconds):
    """Yield the address of a server on a port of this machine, to which and from which all takes so many seconds."""
    loop, writers = asyncio.new_event_loop(), []

    async def carry(reader, writer):
        writers.append(writer)
        while data := await reader.read(1 << 16):
            loop.call_later(seconds, writer.write, data)

    async def connect(reader, writer):
        await asyncio.sleep(2 * seconds)  # the handshake of TCP
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, there_writer), carry(there_reader, writer), return_exceptions=True)

    async def close():
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(4 * seconds)  # until none is being made any more

    server = loop.run_until_complete(asyncio.start_server(connect, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass
class Slow:
    """A server whose answers take so many seconds; delays: by the method of gRPC, as Search."""

    uri: str
    delays: dict[str, float] = field(default_factory=dict)


@contextmanager
def slow_server(folder):
    """Serve milvus-lite so that some of its answers can be delayed."""
    import grpc

    class Delay(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            handler = continuation(details)
            name = details.method.rpartition("/")[2]

            def late(request, context):
                end = time.monotonic() + slow.delays.get(name, 0.0)
                while time.monotonic() < end and context.is_active():
                    time.sleep(0.01)
                return handler.unary_unary(request, context)

            return grpc.unary_unary_rpc_method_handler(late, handler.request_deserializer, handler.response_serializer)

    slow = Slow("")
    with _served(folder, [Delay()]) as server:
        slow.uri = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield slow


@contextmanager
def _served(folder, interceptors):
    """Yield a server of milvus-lite in this process with interceptors; it has no port, and is not started."""
    import grpc
    from milvus_lite.adapter.grpc.servicer import MilvusServicer
    from milvus_lite.db import MilvusLite
    from pymilvus.grpc_gen import milvus_pb2_grpc

    database = MilvusLite(str(folder / "data"))
    with futures.ThreadPoolExecutor(8) as workers:
        server = grpc.server(workers, interceptors=interceptors)
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(database), server)
        yield server
        server.stop(0).wait(PATIENCE)
    database.close()


@dataclass(frozen=True)
class Guarded:
    """Addresses of servers that want a token. plain: without TLS. tls: with it. ca: the file of its authority."""

    plain: str
    tls: str
    ca: Path


@contextmanager
def guarded_server(folder, token):
    """Serve milvus-lite, which knows neither users nor TLS, behind gRPC's own checks of both."""
    import grpc

    class WantsToken(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            sent = base64.b64encode(token.encode())
            if sent in [dict(details.invocation_metadata).get("authorization", "").encode()]:
                return continuation(details)
            return grpc.unary_unary_rpc_method_handler(refuse)

    def refuse(request, context):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check username and password")

    key, certificate = self_signed()
    (folder / "ca.pem").write_bytes(certificate)
    with _served(folder, [WantsToken()]) as server:
        plain = server.add_insecure_port("127.0.0.1:0")
        tls = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
        server.start()
        yield Guarded(f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}", folder / "ca.pem")


def self_signed():
    """Return the key and the certificate, as PEM, of a server at 127.0.0.1 that nobody else has signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return private, certificate.public_bytes(pem)
