"""What is learnt about a registry stays within bounds, however long the lists are."""

from __future__ import annotations

from adapters.butler.memory import Memory


def test_the_least_recently_used_is_forgotten() -> None:
    memory = Memory(2)
    memory.keep("a", "x")
    memory.keep("b", "y")
    assert memory.get("a") == "x"
    memory.keep("c", "z")
    assert memory.get("b") is None
    assert memory.get("a") == "x"
    assert len(memory) == 2


def test_a_long_list_counts_for_what_it_holds() -> None:
    memory = Memory(10)
    memory.keep("short", (1, 2))
    memory.keep("long", tuple(range(8)))
    assert memory.get("short") is None
    assert memory.get("long") is not None
    assert memory.keep("too long", list(range(50))) == list(range(50))
    assert memory.get("too long") is None


def test_what_is_kept_is_made_once() -> None:
    memory = Memory(10)
    made: list[int] = []
    for _ in range(3):
        memory.once("set", lambda: made.append(1) or set())
    assert made == [1]


def test_what_is_asked_once_leaves_nothing() -> None:
    memory = Memory(2)
    made: list[int] = []
    for _ in range(4):
        memory.again("asked again", lambda: made.append(1) or made)
    assert len(made) == 2
    for number in range(100):
        memory.again(number, lambda: made)
    assert len(memory) == 1


def test_what_is_heavy_counts_for_as_much_as_is_said() -> None:
    memory = Memory(10)
    memory.keep("light", "x")
    memory.keep("heavy", "y", 9)
    assert len(memory) == 2
    memory.keep("too much", "z", 2)
    assert memory.get("light") is None
    assert memory.get("heavy") is None
