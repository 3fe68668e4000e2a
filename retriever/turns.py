"""Turns: owners are served one after the other, so that one who asks for much delays the others little."""

from collections import OrderedDict
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
MAX_REMEMBERED = 2_000  # addresses and visitors whose last turn is remembered


class Owner(NamedTuple):
    """Whom work is for: an address on the network, and one visitor from there; both empty for the lab's own work."""

    address: str = ""
    visitor: str = ""


LAB = Owner()
OWNER: ContextVar[Owner] = ContextVar("OWNER", default=LAB)  # whom the present work is for


class Turns(Generic[Item]):
    """A waiting list in which addresses take turns, and among the items of one address its visitors.

    The items of one visitor keep their order. Not safe for several threads at once: the caller holds a lock.
    """

    def __init__(self) -> None:
        """Create an empty list."""
        self._waiting: list[tuple[Owner, Item]] = []
        self._last_turn: OrderedDict[str | Owner, int] = OrderedDict()  # of an address, and of a visitor
        self._turns = 0

    def __len__(self) -> int:
        """Return the number of waiting items."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[Item]:
        """Iterate over the waiting items in the order in which they were added."""
        return iter([item for _, item in self._waiting])

    def order(self) -> list[Item]:
        """Return the waiting items in the order of their turns, provided that no other is added."""
        addresses: dict[str, dict[Owner, list[Item]]] = {}
        for owner, item in sorted(self._waiting, key=self._order):
            addresses.setdefault(owner.address, {}).setdefault(owner, []).append(item)
        return _alternate([_alternate(list(visitors.values())) for visitors in addresses.values()])

    def add(self, item: Item, owner: Owner) -> None:
        """Add an item of an owner."""
        self._waiting.append((owner, item))

    def remove(self, item: Item) -> None:
        """Remove an item without a turn. Raises ValueError if it does not wait."""
        self._waiting.pop(self._place_of(item))

    def next(self) -> Item | None:
        """Return the item whose turn it is, without removing it; None if nothing waits."""
        return min(self._waiting, key=self._order)[1] if self._waiting else None

    def take(self, item: Item) -> None:
        """Remove an item because its owner has had the turn. Raises ValueError if it does not wait."""
        owner, _ = self._waiting.pop(self._place_of(item))
        self._turns += 1
        for key in (owner.address, owner):
            self._last_turn[key] = self._turns
            self._last_turn.move_to_end(key)
        while len(self._last_turn) > MAX_REMEMBERED:
            self._last_turn.popitem(last=False)

    def _order(self, waiting: tuple[Owner, Item]) -> tuple[int, int]:
        """Return when the address and the visitor of an item had their last turn; min keeps the order of equal ones."""
        owner = waiting[0]
        return self._last_turn.get(owner.address, 0), self._last_turn.get(owner, 0)

    def _place_of(self, item: Item) -> int:
        for place, (_, waiting) in enumerate(self._waiting):
            if waiting is item:
                return place
        raise ValueError("The item does not wait.")


def _alternate(lists: list[list[Item]]) -> list[Item]:
    """Return the first items of all lists, then the second ones, and so on."""
    return [items[place] for place in range(max(map(len, lists), default=0)) for items in lists if place < len(items)]
