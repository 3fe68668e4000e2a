"""The address follows the page: what is loaded and the values of the open tab's controls, written by the browser."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from ui.address.place import READERS
from ui.render.controls import HIDDEN
from ui.render.links import TAB_TITLES

Controls = Mapping[str, Mapping[str, Block]]  # tab -> parameter of the address -> the control that has its value
SCRIPT = Path(__file__).with_name("address.js")


def address_script() -> str:
    """Return the script that writes the address and follows it, run when the page is loaded."""
    script = SCRIPT.read_text(encoding="utf-8").replace("ADDRESS_PARAMETERS", json.dumps(list(READERS)))
    return script.replace("ADDRESS_TABS", json.dumps([*TAB_TITLES]))


def connect_address(loaded: gr.Textbox, controls: Controls, tabs: Mapping[str, gr.Tab], asked: Sequence[Any]) -> None:
    """Let the address follow the page, in the browser alone: nothing is sent to the server for it.

    loaded: the query string of what is loaded. asked: events after which the visitor can go back to what was before.
    """
    parts = [control for of_tab in controls.values() for control in of_tab.values()]
    written = dict.fromkeys([loaded, *parts])
    places = {component: number for number, component in enumerate(written)}
    layout = {tab: {name: places[control] for name, control in of_tab.items()} for tab, of_tab in controls.items()}
    write = f"(...values) => window.lab?.write({json.dumps(layout)}, values)"
    gr.on([part.change for part in written], None, list(written), None, js=write, **HIDDEN)  # type: ignore[attr-defined]
    for name, tab in tabs.items():
        tab.select(None, None, None, js=f"() => window.lab?.opened({json.dumps(name)})", **HIDDEN)
    gr.on(list(asked), None, None, None, js="() => window.lab?.asked()", **HIDDEN)
