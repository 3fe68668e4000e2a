"""Gradio's Blocks, with the visitor of a request known to all work that is done for it."""

from typing import Any

import gradio as gr

from retriever.turns import LAB, OWNER, Owner

UNFIT = "A value that was sent is not of the kind that its control has: reload the page, or correct the request."


class LabBlocks(gr.Blocks):
    """Blocks whose handlers run on behalf of the visitor who asked, so that visitors take turns."""

    async def preprocess_data(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the values of a request as the handlers take them; one that no control can have is refused in words.

        Components expect what their own page sends; NaN, a list or nothing in place of a number is a fault to them.
        """
        try:
            return await super().preprocess_data(*args, **options)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(UNFIT, print_exception=False) from error

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
