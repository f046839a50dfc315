"""Parsers that come with Python or with our packages: each raises SyntaxError or ValueError for a bad text."""

from __future__ import annotations

import ast
import json


def parse_python(text: str) -> object:
    """Parse Python; raises SyntaxError or ValueError."""
    return ast.parse(text)


def parse_json(text: str) -> object:
    """Parse JSON; raises ValueError."""
    return json.loads(text)


def parse_toml(text: str) -> object:
    """Parse TOML; raises ValueError."""
    import tomllib  # noqa: PLC0415 - few changes touch such a file, and the command line should start fast

    return tomllib.loads(text)


def parse_yaml(text: str) -> object:
    """Parse YAML; raises ValueError."""
    import yaml  # noqa: PLC0415 - as above

    try:
        return list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
