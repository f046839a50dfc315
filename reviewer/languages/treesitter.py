"""Find the definitions of a text, and count its syntax errors, with tree-sitter.

A grammar is loaded with the first file of its language. The result is None where the grammar is not installed, or the
text is too large, too deep or too slow to parse. Never raises, never waits long.
"""

from __future__ import annotations

import importlib
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from reviewer.languages.registry import Grammar

#: A text with more bytes, or with a longer line in bytes, counts as generated and is not parsed.
MAX_BYTES, MAX_LINE = 400_000, 5_000

#: Seconds of processor time for one text; an ordinary one takes some milliseconds, but error recovery may take minutes
#: on text that is not code. Time that a busy machine spends elsewhere does not count: the same text has the same
#: definitions, and so the same prompts, whatever else runs. Parsing stops after each `SLICE` to look at the clock, and
#: for good after `MAX_WAIT`. The slices keep us on tree-sitter 0.25: 0.26.1 has no such limit, and the
#: `progress_callback` of both versions crashes the process.
MAX_SECONDS, SLICE, MAX_WAIT = 0.5, 0.05, 15.0

#: Brackets that may be open at once, counted without regard to strings and comments.
MAX_NESTING = 500

#: Levels and nodes of the tree that are visited. We walk it ourselves: queries take minutes on deep trees.
MAX_DEPTH, MAX_NODES = 48, 60_000

#: The count of errors stops here.
MOST_ERRORS = 200

_BRACKETS = re.compile(rb"[(\[{]|[)\]}]")
_NAME = re.compile(r"[\w$]+[?!=]?")
#: The first of these fields that a node has holds its name, or the node with its name.
_FIELDS = ("name", "declarator", "left", "property", "key", "type")
_NEED_BODY = frozenset(("struct_specifier", "union_specifier", "enum_specifier", "class_specifier"))
#: Kinds of node that hold no definition in any language: names, literals, types, parameters, imports.
_EMPTY_KINDS = """
    identifier type_identifier property_identifier field_identifier package_identifier shorthand_property_identifier
    constant instance_variable class_variable global_variable self this super true false nil null none undefined
    integer float number int_literal float_literal decimal_integer_literal string string_content string_fragment
    string_start string_end string_literal interpreted_string_literal raw_string_literal simple_symbol hash_key_symbol
    escape_sequence regex comment line_comment block_comment parameters parameter_list formal_parameters
    method_parameters block_parameters type type_annotation type_arguments type_parameters predefined_type union_type
    literal_type generic_type array_type function_type lookup_type conditional_type infer_type primitive_type
    pointer_type qualified_type slice_type map_type attribute subscript comparison_operator boolean_operator
    binary_operator not_operator unary_operator dotted_name import_statement import_from_statement import_declaration
    import_spec import_specifier export_specifier package_clause package_declaration using_directive use_declaration
    scope_resolution element_reference selector_expression field_access modifiers decorator annotation
    marker_annotation
"""
_EMPTY = frozenset(_EMPTY_KINDS.split())
_FUNCTIONS = re.compile(r"function|method|arrow|lambda|constructor")
#: What is assigned to without a name of its own, in Python and Ruby.
_PLACES = frozenset(("subscript", "attribute", "element_reference", "call"))
#: What waits for a result in JavaScript, Python and C#, and what says that a function may.
_AWAITS, _ASYNC = frozenset(("await_expression", "await")), frozenset(("async", "modifier"))
#: Only so many bytes of a property's type are looked at.
_LONGEST_TYPE = 2_000


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition in a text: its name and kind of node; 1-based lines: first, last, and the last of its signature."""

    name: str
    kind: str
    first: int
    last: int
    head: int


def definitions(grammar: Grammar, text: str) -> tuple[Definition, ...] | None:
    """Return what the text defines, in order, the outer before the inner; None if the text cannot be parsed."""
    root = _root(grammar, text)
    if root is None:
        return None
    spots = {spot for node in _defining(grammar, root) if (spot := _spot(node))}
    return tuple(sorted(spots, key=lambda spot: (spot.first, -spot.last, spot.name, spot.kind)))


def errors(grammar: Grammar, text: str) -> int | None:
    """Return how many places of the text the grammar cannot parse, at most MOST_ERRORS; None if it is not known."""
    root = _root(grammar, text)
    if root is None:
        return None
    stack, count = [root], 0
    while stack and count < MOST_ERRORS:
        node = stack.pop()
        count += node.is_error or node.is_missing
        if node.has_error:
            stack += node.children
    return count


def awaits_in_vain(grammar: Grammar, text: str) -> int | None:
    """Return how often the text awaits in a function that is not async; None if the text cannot be parsed."""
    root = _root(grammar, text)
    if root is None:
        return None
    stack, count, left = [(root, True)], 0, MAX_NODES
    while stack and left:
        node, may_await = stack.pop()
        left -= 1
        if _FUNCTIONS.search(node.type) and node.child_by_field_name("body") is not None:
            may_await = any((child.text or b"") == b"async" for child in node.children if child.type in _ASYNC)
        count += node.type in _AWAITS and not may_await
        stack += [(child, may_await) for child in node.named_children]
    return count


def _root(grammar: Grammar, text: str) -> Any | None:
    """Return the root of the text's tree; None for a text that cannot be parsed, or not in time."""
    data = text.encode("utf-8", "replace")
    if len(data) > MAX_BYTES or max(map(len, data.split(b"\n"))) > MAX_LINE or _nesting(data) > MAX_NESTING:
        return None
    loaded = _loaded(grammar)
    if loaded is None:
        return None
    with loaded.lock:
        return parsed(loaded.parser, data)


def parsed(parser: Any, data: bytes) -> Any | None:
    """Return the root of the text's tree, None if it takes too long. The same call goes on where a slice ended."""
    used, began = time.thread_time(), time.monotonic()
    while True:
        try:
            return parser.parse(data).root_node
        except ValueError:  # the slice is over
            if time.thread_time() - used >= MAX_SECONDS or time.monotonic() - began >= MAX_WAIT:
                parser.reset()
                return None


def _nesting(data: bytes) -> int:
    depth = deepest = 0
    for mark in _BRACKETS.findall(data):
        depth = depth + 1 if mark in b"([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _defining(grammar: Grammar, root: Any) -> Iterator[Any]:
    """Yield the nodes that define a name, without recursion."""
    stack = [(root, 0, False)]
    left = MAX_NODES
    while stack and left:
        node, depth, local = stack.pop()
        left -= 1
        kind = node.type
        if kind in _EMPTY or kind in grammar.empty:
            continue
        if kind in grammar.blocks or (kind in grammar.values and _is_worth(node, local=local)):
            yield node
        if depth < MAX_DEPTH:
            inside = local or (bool(_FUNCTIONS.search(kind)) and node.child_by_field_name("body") is not None)
            stack += [(child, depth + 1, inside) for child in reversed(node.named_children)]


def _is_worth(node: Any, *, local: bool) -> bool:
    """Whether a value is a definition: it is not local to a function, or it holds a function.

    An assignment to an existing name, as in `exports.run = function () {}`, counts only if it holds a function; so does
    one to a place in an object, as in `ENV["PORT"] = "80"`. A property of a type counts if functions are put there.
    """
    if node.type == "property_signature":
        return b"=>" in (node.text or b"")[:_LONGEST_TYPE]
    value = node.child_by_field_name("value") or node.child_by_field_name("right")
    holds = value is not None and bool(_FUNCTIONS.search(value.type))
    if holds:
        return True
    target = node.child_by_field_name("left")
    return not (local or node.type == "assignment_expression" or (target is not None and target.type in _PLACES))


def _spot(whole: Any) -> Definition | None:
    name = _name(whole)
    body = whole.child_by_field_name("body")
    if name is None or (body is None and whole.type in _NEED_BODY):
        return None
    first, last = whole.start_point[0] + 1, whole.end_point[0] + 1
    if whole.end_point[1] == 0 and last > first:
        last -= 1  # a node may end with the line break behind it
    head = first
    if body is not None:
        row = body.start_point[0] + 1
        head = row if (body.text or b"").startswith(b"{") else max(first, row - 1)
    return Definition(name, whole.type, first, last, min(head, last))


def _name(node: Any) -> str | None:
    """Return the name in a node: follow the fields that lead to it, a few levels at most."""
    for _ in range(8):
        found = next((child for field in _FIELDS if (child := node.child_by_field_name(field)) is not None), None)
        if found is None:
            break
        node = found
    if node.named_child_count:
        node = node.named_children[0]
    text = (node.text or b"").decode("utf-8", "replace")
    return text if _NAME.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A parser (Any, because the wheels are optional) and its lock: only one thread at a time may use it."""

    parser: Any
    lock: Lock


@cache
def _loaded(grammar: Grammar) -> _Loaded | None:
    """Load a grammar once for a process; None where it cannot be."""
    try:
        from tree_sitter import Language, Parser  # noqa: PLC0415 - see the module's docstring

        language = Language(getattr(importlib.import_module(grammar.module), grammar.function)())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the recommended replacement crashes: see MAX_SECONDS
            parser = Parser(language, timeout_micros=int(SLICE * 1e6))
    except (ImportError, AttributeError, TypeError, ValueError):  # not installed, or an incompatible version
        return None
    return _Loaded(parser, Lock())
