"""A document's operation, worked out: which fields of which types at which places, with which arguments, and how each is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
    get_argument_values,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from ..variables import deciding_variables, uses_variables
from . import scalars
from .leaves import Write, writer

_MOST_PLANS = 16


class Unplanned(Exception):
    """The ordinary executor has to answer: no plan covers this document, or this answer. ``left``: what the plan had begun."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.left: set[asyncio.Future[Any]] = set()


@dataclass(frozen=True, slots=True)
class Leaf:
    """Scalars and enums. ``write`` turns a column of them into JSON, or refuses it."""

    name: str
    write: Write
    null: bool


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape
    null: bool


@dataclass(frozen=True, slots=True)
class Object:
    selection: Selection
    null: bool


@dataclass(frozen=True, slots=True)
class Abstract:
    """An interface: what is selected of each type that may stand there."""

    selections: Mapping[str, Selection]
    null: bool


Shape = Leaf | ListOf | Object | Abstract


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked of the objects of one type at one place."""

    type: str
    steps: tuple[Step, ...]
    keys: tuple[str, ...]
    """What stands in front of each step's value in the answer's JSON; GraphQL names are letters, digits and underscores."""
    known: dict[Any, Any] = field(default_factory=dict)
    """What was found out about it and holds for every request."""

    @property
    def end(self) -> str:
        """What stands behind its last value. @skip and @include, or fragments on other types, may have left none."""
        return "}" if self.keys else "{}"


@dataclass(slots=True)
class Step:
    """One field: its key in the answer, its arguments, and what becomes of its values. ``declared`` is None for __typename."""

    key: str
    name: str
    parent: GraphQLObjectType
    shape: Shape
    definition: GraphQLField | None = None
    declared: StrawberryField | None = None
    nodes: list[FieldNode] = field(default_factory=list)
    converter: GraphQLCoreConverter | None = None
    varying: GraphQLField | None = (
        None  # with the arguments alone that variables decide; None: there are none
    )
    resolver: StrawberryResolver[Any] | None = field(init=False)
    """The resolver, where nothing stands between it and a caller: no permission, no extension, no other way to a result."""
    known: dict[Any, Any] = field(default_factory=dict)
    """What was found out about it and holds for every request."""
    _fixed: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        bare = self.declared is not None and not self.declared.extensions and _plain(self.declared)
        self.resolver = self.declared.base_resolver if self.declared is not None and bare else None

    def given(self, variables: VariableValues) -> dict[str, Any]:
        """The arguments as GraphQL has them. Raises GraphQLError."""
        assert self.definition is not None
        return get_argument_values(self.definition, self.nodes[0], variables)

    def arguments(self, variables: VariableValues) -> dict[str, Any]:
        """The arguments as the resolver's function takes them; only to be read, since all objects share them. Those that no variable
        decides are worked out once."""
        if self._fixed is None:
            assert self.definition is not None
            varying = self.varying.args if self.varying is not None else {}
            self._fixed = self._converted(
                _only(self.definition, set(self.definition.args) - set(varying)), variables
            )
        if self.varying is None:
            return self._fixed
        plain = self._plain()
        given = None if plain is None else scalars.given(plain, variables.coerced)
        return {**self._fixed, **(self._converted(self.varying, variables) if given is None else given)}

    def _plain(self) -> Mapping[str, str] | None:
        """The variables that the varying arguments are, where they are nothing else."""
        if scalars not in self.known:
            assert self.definition is not None and self.declared is not None and self.converter is not None
            assert self.varying is not None
            name_of = self.converter.config.name_converter.from_argument
            own = {name_of(one): one for one in self.declared.arguments}
            varying = {name: own[name] for name in self.varying.args if name in own}
            self.known[scalars] = scalars.variables_of(self.definition, self.nodes[0], varying)
        plain: Mapping[str, str] | None = self.known[scalars]
        return plain

    def _converted(self, definition: GraphQLField, variables: VariableValues) -> dict[str, Any]:
        """Some of the arguments."""
        assert self.declared is not None and self.converter is not None
        if not definition.args:
            return {}
        config, names = self.converter.config, tuple(definition.args)
        if names not in self.known:
            own = self.declared.arguments
            self.known[names] = [one for one in own if config.name_converter.from_argument(one) in names]
        given = get_argument_values(definition, self.nodes[0], variables)
        return convert_arguments(given, self.known[names], self.converter.scalar_registry, config)


@dataclass(frozen=True, slots=True)
class Plan:
    """One operation of one document, for one choice of what @skip and @include leave in."""

    schema: strawberry.Schema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    root: Selection


class Plans:
    """The plans of one document, by operation and by the variables that decide what is left out."""

    def __init__(self, schema: strawberry.Schema, document: DocumentNode) -> None:
        self._schema = schema
        self._document = document
        self._deciding = deciding_variables(document)
        self._kept: dict[tuple[Any, ...], Plan | Unplanned] = {}
        self._signatures: dict[str | None, scalars.Signatures | None] = {}
        self._operations = {
            node.name.value if node.name else None: node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def ready(self, operation_name: str | None, raw: Mapping[str, Any] | None) -> tuple[Plan, VariableValues]:
        """The plan, and the variables with it. Raises Unplanned."""
        if operation_name is None and len(self._operations) == 1:
            (operation,) = self._operations.values()
        elif operation_name is not None and operation_name in self._operations:
            operation = self._operations[operation_name]
        else:
            raise Unplanned("no operation is meant")
        variables = self._variables(operation, raw or {})
        # In another operation the name may stand for anything; there it decides nothing.
        values = (variables.coerced.get(name) for name in self._deciding)
        key = (operation_name, *(value if isinstance(value, bool) else None for value in values))
        if key not in self._kept:
            if len(self._kept) >= _MOST_PLANS:
                raise Unplanned("too many plans")
            self._kept[key] = self._made(operation, variables)
        plan = self._kept[key]
        if isinstance(plan, Unplanned):
            raise Unplanned(*plan.args)
        return plan, variables

    def _variables(self, operation: OperationDefinitionNode, raw: Mapping[str, Any]) -> VariableValues:
        """Those of a request. Raises Unplanned where they are not right."""
        name = operation.name.value if operation.name else None
        if name not in self._signatures:
            self._signatures[name] = scalars.signatures(self._schema._schema, operation)
        known = self._signatures[name]
        plain = None if known is None else scalars.values(known, raw)
        if plain is not None:
            return plain
        found = get_variable_values(self._schema._schema, operation.variable_definitions or (), dict(raw))
        if isinstance(found, list):
            raise Unplanned("variables")
        return found

    def _made(self, operation: OperationDefinitionNode, variables: VariableValues) -> Plan | Unplanned:
        """The plan, or why there is none."""
        if operation.operation is not OperationType.QUERY:
            return Unplanned(f"a {operation.operation.value} is no query")
        if self._schema.execution_context_class is not StrawberryGraphQLCoreExecutionContext:
            return Unplanned("the schema has an executor of its own")
        try:
            root = _Planner(self._schema, operation, self._fragments, variables).root()
        except Unplanned as reason:
            return Unplanned(*reason.args)
        except (GraphQLError, RecursionError) as error:
            return Unplanned(f"{type(error).__name__} while it was planned")
        return Plan(self._schema, operation, self._fragments, root)


@dataclass(slots=True)
class _Planner:
    """Works out one operation, with graphql-core's own idea of which fields are selected."""

    schema: strawberry.Schema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: VariableValues
    details: dict[str, FragmentDetails] = field(init=False)

    def __post_init__(self) -> None:
        self.details = {name: FragmentDetails(node) for name, node in self.fragments.items()}

    def root(self) -> Selection:
        type_ = self.schema._schema.query_type
        assert type_ is not None
        found = collect_fields(self.schema._schema, self.details, self.variables, type_, self.operation)
        return self._selection(type_, found.grouped_field_set)

    def _selection(self, type_: GraphQLObjectType, fields: GroupedFieldSet) -> Selection:
        steps = tuple(self._step(type_, key, nodes) for key, nodes in fields.items())
        keys = (f'{"," if place else "{"}"{step.key}":' for place, step in enumerate(steps))
        return Selection(type_.name, steps, tuple(keys))

    def _step(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList) -> Step:
        nodes = [one.node for one in details]
        name = nodes[0].name.value
        if name == "__typename":
            return Step(key, name, parent, Leaf("String", list, null=False))
        definition = parent.fields.get(name)
        if definition is None:
            raise Unplanned(f"{parent.name}.{name} is introspection")
        converter = self.schema.schema_converter
        strawberry_field = definition.extensions.get(converter.DEFINITION_BACKREF)
        if strawberry_field is None:
            raise Unplanned(f"{parent.name}.{name} is none of ours")
        varying = {one.name.value for one in nodes[0].arguments or () if uses_variables(one)}
        shape = self._shape(definition.type, details)
        return Step(
            key,
            name,
            parent,
            shape,
            definition,
            strawberry_field,
            nodes,
            converter,
            _only(definition, varying) if varying else None,
        )

    def _shape(self, type_: GraphQLOutputType, details: FieldDetailsList) -> Shape:
        null = not is_non_null_type(type_)
        bare: Any = type_ if null else type_.of_type  # type: ignore[union-attr]
        if is_list_type(bare):
            return ListOf(self._shape(bare.of_type, details), null)
        if is_leaf_type(bare):
            return Leaf(bare.name, writer(bare), null)
        if is_object_type(bare):
            return Object(self._below(bare, details), null)
        if is_abstract_type(bare):
            abstract: GraphQLAbstractType = bare
            possible = self.schema._schema.get_possible_types(abstract)
            return Abstract({one.name: self._below(one, details) for one in possible}, null)
        raise Unplanned(f"{bare} is of no known kind")

    def _below(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Selection:
        found = collect_subfields(
            self.schema._schema, self.details, self.variables, self.operation, type_, details
        )
        return self._selection(type_, found.grouped_field_set)


def _only(definition: GraphQLField, names: Collection[str]) -> GraphQLField:
    """A field with some of its arguments."""
    return GraphQLField(
        definition.type, {name: one for name, one in definition.args.items() if name in names}
    )


def _plain(declared: StrawberryField) -> bool:
    """Whether a field's value is what its resolver gives."""
    return type(declared).get_result is StrawberryField.get_result
