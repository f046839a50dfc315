"""The languages whose grammar we know: which files are theirs, which wheel holds the grammar, what defines a name.

Data only. The kinds of node are those of each grammar's `node-types.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Language:
    """A grammar: the module of its wheel and the function in it, and the kinds of node that define a name.

    `blocks` (functions, classes, types) count wherever they stand; `values` (constants, fields) only outside of
    functions, or when they hold one. Languages of one `family` use each other's names.
    """

    family: str
    module: str
    function: str
    blocks: frozenset[str]
    values: frozenset[str] = frozenset()


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_JAVASCRIPT = "function_declaration generator_function_declaration class_declaration method_definition"
_TYPESCRIPT = (
    f"{_JAVASCRIPT} interface_declaration type_alias_declaration enum_declaration abstract_class_declaration"
    " function_signature method_signature abstract_method_signature"
)
_JS_VALUES = "variable_declarator pair field_definition public_field_definition assignment_expression"
_C = (
    "function_definition struct_specifier union_specifier enum_specifier type_definition preproc_def"
    " preproc_function_def"
)
_JAVA = (
    "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration"
    " method_declaration constructor_declaration enum_constant"
)
_C_SHARP = (
    "class_declaration struct_declaration interface_declaration record_declaration enum_declaration"
    " method_declaration constructor_declaration property_declaration delegate_declaration"
)
_RUST = (
    "function_item struct_item enum_item trait_item type_item const_item static_item union_item impl_item"
    " function_signature_item macro_definition"
)
_PHP = (
    "function_definition method_declaration class_declaration interface_declaration trait_declaration enum_declaration"
)

_LANGUAGES = {
    "py pyi": Language(
        "python", "tree_sitter_python", "language", _kinds("function_definition class_definition"), _kinds("assignment")
    ),
    "js jsx mjs cjs": Language("web", "tree_sitter_javascript", "language", _kinds(_JAVASCRIPT), _kinds(_JS_VALUES)),
    "ts mts cts": Language(
        "web", "tree_sitter_typescript", "language_typescript", _kinds(_TYPESCRIPT), _kinds(_JS_VALUES)
    ),
    "tsx": Language("web", "tree_sitter_typescript", "language_tsx", _kinds(_TYPESCRIPT), _kinds(_JS_VALUES)),
    "go": Language(
        "go",
        "tree_sitter_go",
        "language",
        _kinds("function_declaration method_declaration type_spec type_alias"),
        _kinds("const_spec var_spec"),
    ),
    "java": Language("java", "tree_sitter_java", "language", _kinds(_JAVA), _kinds("field_declaration")),
    "rb rake": Language(
        "ruby", "tree_sitter_ruby", "language", _kinds("method singleton_method class module"), _kinds("assignment")
    ),
    "rs": Language("rust", "tree_sitter_rust", "language", _kinds(_RUST)),
    "c": Language("c", "tree_sitter_c", "language", _kinds(_C)),
    "h hh hpp cc cpp cxx": Language(
        "c", "tree_sitter_cpp", "language", _kinds(f"{_C} class_specifier alias_declaration")
    ),
    "cs": Language("c_sharp", "tree_sitter_c_sharp", "language", _kinds(_C_SHARP), _kinds("variable_declarator")),
    "php": Language("php", "tree_sitter_php", "language_php", _kinds(_PHP), _kinds("const_element")),
}

#: By the ending of a file's name, without its dot.
BY_ENDING: Mapping[str, Language] = MappingProxyType(
    {ending: language for endings, language in _LANGUAGES.items() for ending in endings.split()}
)


def language_of(path: str) -> Language | None:
    """Return the language of a file by the ending of its name."""
    return BY_ENDING.get(_ending(path))


def family_of(path: str) -> str:
    """Return the name of the family of a file's language; for an unknown one, the ending itself."""
    language = language_of(path)
    return language.family if language else _ending(path)


def _ending(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()
