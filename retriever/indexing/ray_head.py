"""A Ray cluster of this machine, as a program: it ends when its input does, so at the latest with who started it.

A process that is connected to Milvus cannot start one itself. Ray forks it to start its own processes, and where gRPC
runs in it, some of these abort before they are one; Ray waits 30 s for them, and gives up. And if it was killed, some
of Ray's processes would outlive it by a minute.

Argument: the number of CPUs. Writes one line of JSON: the address, or the error.
"""

import json
import os
import sys


def main(cpus: str) -> None:
    """Start the cluster, say where it is, and end it with the input."""
    import ray

    try:
        ray.init("local", num_cpus=int(cpus), include_dashboard=False, log_to_driver=False)
        said = {"address": ray.get_runtime_context().gcs_address}
    except Exception as error:  # whatever Ray raises: its start-up has no errors of its own
        said = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads what Ray says later
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
