"""How complete a list is."""

from __future__ import annotations

from enum import Enum

import strawberry

from .listing import Leaf


@strawberry.enum(description="Whether a list is all that its question has.")
class CompletenessState(Enum):
    COMPLETE = strawberry.enum_value("COMPLETE", description="Everything is here, or follows by paging.")
    OVERFLOW = strawberry.enum_value("OVERFLOW", description="A limit cut the list.")
    PARTIAL = strawberry.enum_value(
        "PARTIAL", description="A backend did not answer, or no longer has what belongs here."
    )


@strawberry.type(description="How complete a list is, and if it is not, why not.")
class Completeness:
    state: CompletenessState = strawberry.field(description="Whether the list is all that its question has.")
    message: str | None = strawberry.field(
        description="For people: what is missing and what to do; null where nothing is."
    )
    unavailable: list[str] = strawberry.field(description="Labels of repositories that did not answer.")


def completeness(leaf: Leaf[object]) -> Completeness:
    messages = []
    if leaf.unsaved:
        messages.append(
            f"No answer from {', '.join(leaf.unsaved)} when this was saved; what they hold is missing in it. Save it again."
        )
    if leaf.unavailable:
        messages.append(
            f"No answer from {', '.join(leaf.unavailable)}; what they hold is missing here. Ask again later."
        )
    if leaf.overflow:
        messages.append(leaf.overflow)
    if leaf.gone:
        messages.append(leaf.gone)
    state = CompletenessState.COMPLETE
    if leaf.overflow:
        state = CompletenessState.OVERFLOW
    unavailable = list(dict.fromkeys((*leaf.unsaved, *leaf.unavailable)))
    if unavailable or leaf.gone:
        state = CompletenessState.PARTIAL
    return Completeness(state=state, message=" ".join(messages) or None, unavailable=unavailable)
