"""Read what one line of a file imports, for each language with import rules. Pure.

A reader returns modules written as paths: `a.b` of Python is `a/b`, and a leading `./` or `../` is relative.
"""

from __future__ import annotations

import re

_PYTHON = re.compile(r"\s*from\s+(\.*[\w.]*)\s+import\s+([\w\s,*()]{0,300})|\s*import\s+([\w.]+(?:\s*,\s*[\w.]+)*)")
_WEB = re.compile(r"""(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*["']([^"'\s]{1,200})["']""")
_GO = re.compile(r"""\s*(?:import\s+)?(?:[\w.]+\s+)?"([\w./-]{1,200})"\s*$""")
_JAVA = re.compile(r"\s*import\s+(?:static\s+)?([\w.]+)")
_RUBY = re.compile(r"""\s*(require_relative|require|load)\s*\(?\s*["']([^"'\s]{1,200})["']""")
_RUST = re.compile(r"\s*(?:pub\s+)?(?:use|mod)\s+([\w:]+)")
_C = re.compile(r"""\s*#\s*include\s*["<]([^">\s]{1,200})[">]""")
_PHP = re.compile(r"\s*use\s+(?:function\s+|const\s+)?([\w\\]+)")


def without_endings(path: str) -> str:
    """Return the path without the endings of its name: a/b.test.ts -> a/b."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name[:1] + name[1:].split(".", 1)[0])


def read_web(line: str) -> list[str]:
    """Read `import`, `export from` and `require` of JavaScript and TypeScript."""
    found: list[str] = _WEB.findall(line)
    return found


def read_go(line: str) -> list[str]:
    """Read an import path of Go."""
    return [match[1]] if (match := _GO.match(line)) else []


def read_java(line: str) -> list[str]:
    """Read an import of Java or Kotlin."""
    return [match[1].replace(".", "/")] if (match := _JAVA.match(line)) else []


def read_ruby(line: str) -> list[str]:
    """Read a `require` of Ruby."""
    match = _RUBY.match(line)
    return [("./" if match[1] == "require_relative" else "") + match[2]] if match else []


def read_rust(line: str) -> list[str]:
    """Read a `use` or `mod` of Rust."""
    match = _RUST.match(line)
    return [re.sub(r"^(?:crate|super|self)/", "", match[1].strip(":").replace("::", "/"))] if match else []


def read_c(line: str) -> list[str]:
    """Read an `#include` of C or C++."""
    return [without_endings(match[1])] if (match := _C.match(line)) else []


def read_php(line: str) -> list[str]:
    """Read a `use` of PHP."""
    return [match[1].strip("\\").replace("\\", "/")] if (match := _PHP.match(line)) else []


def read_python(line: str) -> list[str]:
    """Read an `import` of Python, with the names it imports: they may be modules."""
    match = _PYTHON.match(line)
    if match is None:
        return []
    if match[3]:
        return [name.strip().replace(".", "/") for name in match[3].split(",")]
    module = match[1].lstrip(".")
    dots = len(match[1]) - len(module)
    folder = ("./" + "../" * (dots - 1) if dots else "") + module.replace(".", "/")
    names = (word.strip(" ()").split(" ")[0] for word in match[2].split(","))
    inner = [f"{folder.rstrip('/')}/{name}" for name in names if name.isidentifier()]
    return [folder, *inner] if module else inner
