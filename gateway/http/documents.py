"""Documents parsed, measured and validated once, however often they are asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.language.parser import MAX_NESTING_DEPTH
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.http.hints import hinted
from gateway.limits import Limits, Shape, check_shape, measure
from gateway.limits.shape import too_complex
from resolvers.plan import Plans

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
# A syntax tree takes about 200 bytes for each character of its text: the cache stays below 100 MB.
_MOST_CHARACTERS = 500_000
_LONGEST = 50_000


class InvalidDocument(Exception):
    """The document breaks GraphQL's rules; ``errors`` say where."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(len(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is valid for its schema and within the limits."""

    node: DocumentNode
    shape: Shape
    plans: Plans
    operations: Mapping[str | None, OperationType]

    def operation_type(self, name: str | None) -> OperationType | None:
        """Query, mutation or subscription; None where ``name`` selects no operation, or more than one could be meant."""
        return self.operations.get(name)

    def literals(self) -> list[str]:
        """The strings written in the document."""
        texts: list[str] = []

        class Literals(Visitor):
            def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
                texts.append(node.value)

        visit(self.node, Literals())
        return texts


class Documents:
    """The documents of one schema, the least recently used forgotten first.

    Only documents that passed every limit are kept, so a hit needs no second check: limits do not change while
    the process runs. The same text always yields the same nodes, on which plans may be keyed.
    """

    def __init__(self, schema: strawberry.Schema, limits: Limits) -> None:
        self._whole = schema
        self._schema = schema._schema
        self._limits = limits
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, text: str) -> Document:
        """The document written as ``text``.

        Raises
        ------
        InvalidDocument
            Syntax or validation errors.
        adapters.errors.TooComplex, adapters.errors.BadUserInput
            A limit on its shape is passed, or it holds a NUL; validation was not begun.
        """
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._prepare(text)
        if len(text) <= _LONGEST:
            self._kept[text] = document
            self._characters += len(text)
            while len(self._kept) > self._limits.document_cache or self._characters > _MOST_CHARACTERS:
                forgotten, _ = self._kept.popitem(last=False)
                self._characters -= len(forgotten)
        return document

    def _prepare(self, text: str) -> Document:
        limits = self._limits
        if len(text) > limits.max_query_length:
            raise too_complex("length", len(text), limits.max_query_length, "max_query_length")
        try:
            node = parse(text, max_lexical_tokens=limits.max_tokens, max_comments=limits.max_tokens)
        except GraphQLError as error:
            # The parser stops at the first step too far, so nobody knows how far the document would go.
            if error.message.startswith("Syntax Error: Document contains more than"):
                raise too_complex("tokens", limits.max_tokens + 1, limits.max_tokens, "max_tokens") from None
            if error.message.startswith("Syntax Error: Document is nested too deeply"):
                raise too_complex(
                    "nesting", MAX_NESTING_DEPTH + 1, MAX_NESTING_DEPTH, "of the parser"
                ) from None
            raise InvalidDocument([error]) from None
        shape = measure(node)
        check_shape(shape, limits)
        errors = validate(self._schema, node, _RULES, max_errors=limits.max_errors)
        if errors:
            raise InvalidDocument([_explained(error, self._schema) for error in errors])
        return Document(node, shape, Plans(self._whole, node), _operations(node))


def _operations(document: DocumentNode) -> dict[str | None, OperationType]:
    """The operations of a valid document by their names; under None the one that is meant where no name is given."""
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named: dict[str | None, OperationType] = {node.name.value: node.operation for node in found if node.name}
    return named | {None: found[0].operation} if len(found) == 1 else named


def _explained(error: GraphQLError, schema: GraphQLSchema) -> GraphQLError:
    if isinstance(error, ValidationAbortedError) and error.message == "Validation aborted.":
        # graphql-core's words for its own recursion limit.
        return GraphQLError(
            "Fragments and repeated fields of this query are nested too deeply to be validated."
        )
    return hinted(error, schema)
