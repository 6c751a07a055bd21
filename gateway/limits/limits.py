"""The limits that every request is held to, in one place, with the reason for each default."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for; all values are positive, and a larger one than given here is refused.

    The names are the ones a refusal quotes (``extensions.what`` and its message). Sources: GitHub's and
    GraphQL Armor's published limits, and what GraphiQL, gql and the portal's own queries need.

    Parameters
    ----------
    max_first
        Largest ``first`` of one connection (the resolvers check it); at least 100, the page where a query names none.
    max_depth
        Fields inside one another, ``{ a { b } }`` being 2; introspection is counted apart.
    max_cost
        Rows that one request may ask of its backends: the sum over all connections of parents times ``first``.
    timeout
        Seconds from the first byte of the request to its answer.
    max_body
        Bytes of a request body: 100,000 data IDs of four dimensions are about 9 MB.
    max_query_length
        Characters of the document. The lexer works character by character, white space and comments included.
    max_tokens
        Tokens of the document. A page of queries has some hundreds, and 1,500 data IDs written as literals fit;
        more belong in a variable, which is parsed a hundred times faster.
    max_definitions
        Operations and fragments in one document: validation follows each operation through its fragments.
    max_repeats
        Fields that a selection set names again. Validation compares each with all the others, below them too.
    max_fields
        Fields after fragments are expanded, those of introspection apart. Each is resolved once per row.
    max_aliases
        Aliases after fragments are expanded: a notebook that asks for 200 things by name in one request fits.
    max_directives
        Directives after fragments are expanded.
    max_introspection_depth
        Depth below ``__schema`` and ``__type``; GraphiQL and gql ask 15.
    max_introspection_fields
        Fields below ``__schema`` and ``__type`` after fragments are expanded; GraphiQL and gql ask about 250.
        They are resolved for every type of the schema, without a pause in which a deadline could strike.
    max_variables_depth
        Lists and objects inside one another in variables, in ``extensions`` and in the document's literals.
    max_errors
        Validation errors reported before validation stops.
    max_running
        Requests that one process works on at a time: more would wait for the same processor and the same connections.
    max_running_each
        Requests of one user at a time, so that nobody holds all places. Those without a name share none.
    max_waiting
        Requests that wait for a place. Who comes after them is told at once to try again.
    document_cache
        Parsed and validated documents kept, and at most 500,000 characters of them.
    """

    max_first: int = 10_000
    max_depth: int = 20
    max_cost: int = 1_000_000
    timeout: float = 30.0
    max_body: int = 16_000_000
    max_query_length: int = 500_000
    max_tokens: int = 20_000
    max_definitions: int = 50
    max_repeats: int = 50
    max_fields: int = 1_000
    max_aliases: int = 200
    max_directives: int = 50
    max_introspection_depth: int = 20
    max_introspection_fields: int = 500
    max_variables_depth: int = 50
    max_errors: int = 8
    max_running: int = 64
    max_running_each: int = 16
    max_waiting: int = 256
    document_cache: int = 256

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name} must be positive, not {getattr(self, field.name)!r}")
