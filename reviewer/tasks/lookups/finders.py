"""Which function looks up what: a table, from each kind of request to what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from reviewer.tasks.lookups.files import outline_of_file, read_before, read_lines
from reviewer.tasks.lookups.names import callers_of, definitions_of, places_of
from reviewer.tasks.lookups.repository_view import RepositoryView
from reviewer.tasks.lookups.requests import LookupKind
from reviewer.tasks.lookups.results import LookupResult

#: Takes the repository, what the model named, and a title for the result.
Finder = Callable[[RepositoryView, str, str], LookupResult]

FINDERS: Mapping[LookupKind, Finder] = MappingProxyType(
    {
        LookupKind.DEFINITION: definitions_of,
        LookupKind.CALLERS: callers_of,
        LookupKind.OUTLINE: outline_of_file,
        LookupKind.READ: read_lines,
        LookupKind.SEARCH: places_of,
        LookupKind.HISTORY: read_before,
    }
)
