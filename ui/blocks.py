"""Gradio's Blocks, with the visitor of a request known to all work that is done for it."""

from typing import Any

import gradio as gr

from retriever.turns import LAB, OWNER, Owner


class LabBlocks(gr.Blocks):
    """Blocks whose handlers run on behalf of the visitor who asked, so that visitors take turns."""

    async def call_function(
        self,
        block_fn: Any,  # noqa: ANN401 - as Gradio declares them
        processed_input: list[Any],
        iterator: Any = None,  # noqa: ANN401
        requests: Any = None,  # noqa: ANN401
        *args: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Call a handler as Gradio does, with OWNER set for it and for the jobs that it starts."""
        token = OWNER.set(owner_of(requests))
        try:
            return await super().call_function(block_fn, processed_input, iterator, requests, *args, **options)
        finally:
            OWNER.reset(token)


def owner_of(request: gr.Request | None) -> Owner:
    """Return the visitor that a request comes from; the owner of the lab's own work without a request."""
    if request is None or request.client is None:
        return LAB
    return Owner(request.client.host, request.session_hash or "")
