"""What the tests of this folder share."""

from tests.support.event_loops import no_event_loop_is_left

__all__ = ["no_event_loop_is_left"]
