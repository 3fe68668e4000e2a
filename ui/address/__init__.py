"""The state of the page in its address: what a link says, how it is restored, and how the address follows the page."""
