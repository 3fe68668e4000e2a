"""What Gradio keeps of each session, without the copy of the page's configuration that its deep links need.

That copy was made anew for each visitor and with each value: most of the time that a class takes to arrive.
"""

from copy import copy
from datetime import datetime
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

SECONDS_AFTER_CLOSE = 3600  # as Gradio has it; the registry of visitors ends sessions long before


class LabSessionState(SessionState):
    """The values of a session's states, and the components that were changed for it."""

    def __init__(self, blocks: gr.Blocks) -> None:
        """Start with the page as it was made."""
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = SECONDS_AFTER_CLOSE

    def __setitem__(self, key: int, value: Any) -> None:  # noqa: ANN401 - as Gradio declares it
        """Keep the value of a state, or a component in place of the page's."""
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = block.time_to_live, datetime.now()
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Keep nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:  # noqa: ANN401
        """Keep nothing."""


class LabStateHolder(StateHolder):
    """The sessions of a page by name."""

    def __init__(self, blocks: gr.Blocks) -> None:
        """Start without sessions of a page, which gets them here from now on."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.set_blocks(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        """Return what is kept of a session, which begins now if it is new."""
        if session_id not in self.session_data:
            self.session_data[session_id] = LabSessionState(self.blocks)
        return super().__getitem__(session_id)
