"""Compile a mutated function and find the live functions that can get its code.

Only the statement that contains the mutant is compiled, inside the heads of its classes, because compiling a long file
takes longer than most tests. Beside that statement only the file's encoding and its `from __future__` matter.
"""

import __future__

import ast
import gc
import io
import os
import tokenize
import types

#: The errors of a file, or of a mutant, that cannot be read or compiled.
BROKEN = (OSError, ValueError, SyntaxError, RecursionError, MemoryError)


def functions(files):
    """Return the live functions of the files by file, name and first line, including decorated and wrapped ones."""
    real, alive = {}, {}
    for function in gc.get_objects():
        if type(function) is not types.FunctionType:
            continue
        code = function.__code__
        name = code.co_filename
        if name not in real:
            real[name] = os.path.realpath(name)
        if real[name] in files:
            alive.setdefault((real[name], code.co_name, code.co_firstlineno), []).append(function)
    return alive


def bytes_of(path):
    """Return the content of the file without a byte order mark, which spans do not count."""
    with open(path, "rb") as file:
        data = file.read()
    return data[3:] if data.startswith(b"\xef\xbb\xbf") else data


def parts(mutant, data):
    """Return the text before the mutant, its replacement, and the text after it."""
    start, end = mutant["start"], mutant["end"]
    if data[start:end] != mutant["before"].encode("utf-8"):
        raise ValueError("the file is not the one that was mutated")
    return data[:start], mutant["after"].encode("utf-8"), data[end:]


def read(path):
    """Return the file; None if nothing in it can be mutated."""
    try:
        return File(path)
    except BROKEN:
        return None


class File:
    """The bytes of a file with mutants, and the places of its statements. Raises one of BROKEN."""

    def __init__(self, path):
        self.path = path
        self.data = bytes_of(path)
        self.encoding = tokenize.detect_encoding(io.BytesIO(self.data).readline)[0]
        self.starts = [0]
        for row in self.data.split(b"\n"):
            self.starts.append(self.starts[-1] + len(row) + 1)
        body = ast.parse(self.data).body
        self.statements = list(_statements(body))
        features = {
            name.name
            for node in body
            if isinstance(node, ast.ImportFrom) and node.module == "__future__"
            for name in node.names
        }
        # Every other feature is part of the language since 3.7, or a joke.
        self.future = __future__.annotations.compiler_flag if "annotations" in features else 0

    def compiled(self, mutant):
        """Compile the statement that contains the mutant, on its own lines."""
        before, after, behind = parts(mutant, self.data)
        heads, first, last = self._around(mutant["start"], mutant["end"])
        text, line = b"", 1
        for top, bottom in heads:
            text += b"\n" * (top - line) + self.data[self.starts[top - 1] : self.starts[bottom]]
            line = bottom + 1
        text += b"\n" * (first - line) + before[self.starts[first - 1] :]
        text += after + behind[: self.starts[last] - mutant["end"]]
        return compile(text.decode(self.encoding), self.path, "exec", self.future, dont_inherit=True)

    def _around(self, start, end):
        for heads, first, last in self.statements:
            if self.starts[first - 1] <= start and end <= self.starts[last]:
                return heads, first, last
        raise ValueError("the mutant is in no statement")


def _statements(body, heads=()):
    """Yield each statement of the module and its classes: the heads of its classes, its first and its last line."""
    for node in body:
        if isinstance(node, ast.ClassDef) and _first(node.body[0]) > node.lineno:
            yield from _statements(node.body, heads + ((_first(node), _first(node.body[0]) - 1),))
        else:
            yield heads, _first(node), node.end_lineno


def _first(node):
    return min(part.lineno for part in [node] + getattr(node, "decorator_list", []))


def pairs(mutant, file, alive):
    """Return the live functions of the mutant, each with its mutated code."""
    return [
        (function, code.replace(co_filename=function.__code__.co_filename))
        for code in _codes(file.compiled(mutant))
        if code.co_name == mutant["function"] and code.co_firstlineno in mutant["firsts"]
        for function in alive.get((file.path, code.co_name, code.co_firstlineno), ())
    ]


def _codes(code):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            for inner in _codes(constant):
                yield inner
