"""The table of languages: a row holds everything the reviewer knows about a language.

A new language is a new row here; to run its tests it also needs a row in `testgen/languages/test_runners.py`. Files
whose ending has no row are reviewed too, with definitions found by indentation. Grammars and parsers are loaded when
they are first used. The kinds of node are listed in each grammar's `node-types.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reviewer.languages import import_readers, parsers


@dataclass(frozen=True, slots=True)
class Grammar:
    """A tree-sitter grammar: the module of its wheel, the function in it, and the kinds of node that define a name.

    `blocks` (functions, classes, types) count wherever they stand; `values` (constants, fields) only outside of
    functions, or when they hold one. `empty` kinds hold neither in this language, and are not looked into.
    """

    module: str
    function: str
    blocks: frozenset[str]
    values: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ImportRules:
    """How imports name files. `read` takes a line and returns modules written as paths.

    `names_folders`: a module is all files of a folder. `plain_names_are_packages`: a name without a slash is never a
    file of the repository. `may_end_in_member`: the last part may be something in the module. `may_mean_last_part`:
    the last part alone may be the name of the file.
    """

    read: Callable[[str], list[str]]
    names_folders: bool = False
    plain_names_are_packages: bool = False
    may_end_in_member: bool = False
    may_mean_last_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language. Files of one `family` use each other's names; `endings` are without dots, separated by spaces.

    `comment` begins a comment on a line: `//`, which goes with `/* */`, `#` or `--`. `bare_calls`: functions are
    called without parentheses. `names_tables`: what it uses of other files are tables. `parse` raises SyntaxError or
    ValueError for a text with errors.
    """

    family: str
    endings: str
    grammar: Grammar | None = None
    imports: ImportRules | None = None
    parse: Callable[[str], object] | None = None
    comment: str = "//"
    bare_calls: bool = False
    names_tables: bool = False
    is_code: bool = True
    is_prose: bool = False


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_JAVASCRIPT = "function_declaration generator_function_declaration class_declaration method_definition"
_TYPESCRIPT = (
    f"{_JAVASCRIPT} interface_declaration type_alias_declaration enum_declaration abstract_class_declaration"
    " function_signature method_signature abstract_method_signature"
)
_JS_VALUES = "variable_declarator pair field_definition public_field_definition assignment_expression"
_TS_VALUES = f"{_JS_VALUES} property_signature"
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

_WEB_IMPORTS = ImportRules(import_readers.read_web, plain_names_are_packages=True)

#: A row for each language, or dialect with a grammar of its own.
LANGUAGES = (
    Language(
        family="python",
        endings="py pyi",
        grammar=Grammar(
            "tree_sitter_python",
            "language",
            _kinds("function_definition class_definition"),
            _kinds("assignment"),
            _kinds("call argument_list return_statement assert_statement raise_statement pattern_list"),
        ),
        imports=ImportRules(import_readers.read_python),
        parse=parsers.parse_python,
        comment="#",
    ),
    Language(
        family="web",
        endings="js jsx mjs cjs",
        grammar=Grammar("tree_sitter_javascript", "language", _kinds(_JAVASCRIPT), _kinds(_JS_VALUES)),
        imports=_WEB_IMPORTS,
    ),
    Language(
        family="web",
        endings="ts mts cts",
        grammar=Grammar("tree_sitter_typescript", "language_typescript", _kinds(_TYPESCRIPT), _kinds(_TS_VALUES)),
        imports=_WEB_IMPORTS,
    ),
    Language(
        family="web",
        endings="tsx",
        grammar=Grammar("tree_sitter_typescript", "language_tsx", _kinds(_TYPESCRIPT), _kinds(_TS_VALUES)),
        imports=_WEB_IMPORTS,
    ),
    Language(
        family="go",
        endings="go",
        grammar=Grammar(
            "tree_sitter_go",
            "language",
            _kinds("function_declaration method_declaration type_spec type_alias"),
            _kinds("const_spec var_spec"),
            _kinds("argument_list call_expression binary_expression expression_list"),
        ),
        imports=ImportRules(import_readers.read_go, names_folders=True),
    ),
    Language(
        family="java",
        endings="java",
        grammar=Grammar("tree_sitter_java", "language", _kinds(_JAVA), _kinds("field_declaration")),
        imports=ImportRules(import_readers.read_java, may_end_in_member=True),
    ),
    Language(family="kotlin", endings="kt kts", imports=ImportRules(import_readers.read_java)),
    Language(
        family="ruby",
        endings="rb rake",
        grammar=Grammar(
            "tree_sitter_ruby", "language", _kinds("method singleton_method class module"), _kinds("assignment")
        ),
        imports=ImportRules(import_readers.read_ruby),
        comment="#",
        bare_calls=True,
    ),
    Language(
        family="rust",
        endings="rs",
        grammar=Grammar("tree_sitter_rust", "language", _kinds(_RUST)),
        imports=ImportRules(import_readers.read_rust, may_end_in_member=True, may_mean_last_part=True),
    ),
    Language(
        family="c",
        endings="c",
        grammar=Grammar("tree_sitter_c", "language", _kinds(_C)),
        imports=ImportRules(import_readers.read_c),
    ),
    Language(
        family="c",
        endings="h hh hpp cc cpp cxx",
        grammar=Grammar("tree_sitter_cpp", "language", _kinds(f"{_C} class_specifier alias_declaration")),
        imports=ImportRules(import_readers.read_c),
    ),
    Language(
        family="c_sharp",
        endings="cs",
        grammar=Grammar("tree_sitter_c_sharp", "language", _kinds(_C_SHARP), _kinds("variable_declarator")),
    ),
    Language(
        family="php",
        endings="php",
        grammar=Grammar("tree_sitter_php", "language_php", _kinds(_PHP), _kinds("const_element")),
        imports=ImportRules(import_readers.read_php, may_end_in_member=True, may_mean_last_part=True),
    ),
    Language(family="shell", endings="sh bash zsh", comment="#"),
    Language(family="perl", endings="pl pm", comment="#"),
    Language(family="elixir", endings="ex exs", comment="#"),
    Language(family="r", endings="r", comment="#"),
    Language(family="julia", endings="jl", comment="#"),
    Language(family="powershell", endings="ps1", comment="#"),
    Language(family="nim", endings="nim", comment="#"),
    Language(family="terraform", endings="tf", comment="#"),
    Language(family="groovy", endings="groovy gradle"),
    Language(family="objective_c", endings="m mm"),
    Language(family="vue", endings="vue"),
    Language(family="svelte", endings="svelte"),
    Language(family="scala", endings="scala"),
    Language(family="fs", endings="fs"),
    Language(family="swift", endings="swift"),
    Language(family="erl", endings="erl"),
    Language(family="hs", endings="hs", comment="--"),
    Language(family="ml", endings="ml"),
    Language(family="clj", endings="clj"),
    Language(family="lua", endings="lua", comment="--"),
    Language(family="sql", endings="sql", comment="--", names_tables=True),
    Language(family="dart", endings="dart"),
    Language(family="zig", endings="zig"),
    Language(family="sol", endings="sol"),
    Language(family="json", endings="json", parse=parsers.parse_json, is_code=False),
    Language(family="toml", endings="toml", parse=parsers.parse_toml, comment="#", is_code=False),
    Language(family="yaml", endings="yml yaml", parse=parsers.parse_yaml, comment="#", is_code=False),
    Language(family="markdown", endings="md mdx", is_code=False, is_prose=True),
    Language(family="restructured_text", endings="rst", is_code=False, is_prose=True),
    Language(family="asciidoc", endings="adoc", is_code=False, is_prose=True),
)

#: Languages by file ending, in lower case and without the dot.
BY_ENDING: Mapping[str, Language] = MappingProxyType(
    {ending: language for language in LANGUAGES for ending in language.endings.split()}
)


def language_of(path: str) -> Language | None:
    """Return the language of a file by the ending of its name."""
    _, dot, ending = path.rpartition(".")
    # An ending with a slash is part of a folder's name, and no ending.
    return BY_ENDING.get(ending.lower()) if dot else None


def family_of(path: str) -> str:
    """Return the family of a file's language; without a row, the ending itself."""
    language = language_of(path)
    return language.family if language else path.rpartition("/")[2].rpartition(".")[2].lower()
