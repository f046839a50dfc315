"""`reviewer completion SHELL`: print what makes a shell complete commands, options and their values.

It is made from the parser, so it is always what this version takes. Commands of the App parse their own words; of these
the name is completed.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OptionWords:
    """An option as shells see it: its names, its help, its values, and whether a value is a file or anything else."""

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] = ()
    takes_value: bool = False


def completion_script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script for that shell."""
    commands = _commands(parser)
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)


def _commands(parser: argparse.ArgumentParser) -> dict[str, tuple[str, tuple[OptionWords, ...]]]:
    """Return each command with its help and options."""
    (group,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    helps = {choice.dest: choice.help or "" for choice in group._choices_actions}  # noqa: SLF001
    return {name: (helps.get(name, ""), _options(inner)) for name, inner in group.choices.items()}


def _options(parser: argparse.ArgumentParser) -> tuple[OptionWords, ...]:
    found = []
    for action in parser._actions:  # noqa: SLF001
        if not action.option_strings or action.help == argparse.SUPPRESS:
            continue
        text = str(action.help or "") % {"default": action.default, "prog": parser.prog}
        values = tuple(map(str, action.choices or ()))
        found.append(OptionWords(tuple(action.option_strings), text, values, action.nargs != 0))
    return tuple(found)


Commands = Mapping[str, tuple[str, tuple[OptionWords, ...]]]


def _words(options: tuple[OptionWords, ...]) -> str:
    return " ".join(name for option in options for name in option.names)


def _bash(commands: Commands) -> str:
    cases = "\n".join(
        f"    {name}) options={shlex.quote(_words(options))} ;;" for name, (_, options) in commands.items()
    )
    valued = {
        f"'{command} {name}'": " ".join(option.values)
        for command, (_, options) in commands.items()
        for option in options
        if option.values
        for name in option.names
    }
    values = "\n".join(
        f'    {place}) COMPREPLY=($(compgen -W {shlex.quote(words)} -- "$word")); return ;;'
        for place, words in valued.items()
    )
    return f"""# reviewer completion bash: eval "$(reviewer completion bash)" in ~/.bashrc
_reviewer() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} options=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W {shlex.quote(" ".join(commands))} -- "$word"))
    return
  fi
  case "${{COMP_WORDS[1]}} $before" in
{values}
  esac
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
  esac
}}
complete -o bashdefault -o default -F _reviewer reviewer
"""


def _zsh(commands: Commands) -> str:
    listed = "\n".join(f"    {shlex.quote(f'{name}:{_plain(text)}')}" for name, (text, _) in commands.items())
    cases = []
    for name, (_, options) in commands.items():
        rows = []
        for option in options:
            value = f":value:({' '.join(option.values)})" if option.values else ":value:_files" * option.takes_value
            rows += [shlex.quote(f"{word}[{_plain(option.help)}]{value}") for word in option.names]
        cases.append(f"    {name}) _arguments {' '.join(rows)} '*:file:_files' ;;")
    inner = "\n".join(cases)
    return f"""#compdef reviewer
# reviewer completion zsh: eval "$(reviewer completion zsh)" in ~/.zshrc, behind compinit
_reviewer() {{
  local -a commands
  commands=(
{listed}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{inner}
  esac
}}
compdef _reviewer reviewer
"""


def _fish(commands: Commands) -> str:
    lines = ["# reviewer completion fish | source, in ~/.config/fish/config.fish"]
    for name, (text, options) in commands.items():
        alone = f"complete -c reviewer -n __fish_use_subcommand -f -a {name}"
        lines.append(f"{alone} -d {shlex.quote(_plain(text))}")
        for option in options:
            words = " ".join(
                f"-l {word.removeprefix('--')}" if word.startswith("--") else f"-s {word.removeprefix('-')}"
                for word in option.names
            )
            value = f" -x -a {shlex.quote(' '.join(option.values))}" if option.values else " -r" * option.takes_value
            when = shlex.quote(f"__fish_seen_subcommand_from {name}")
            lines.append(f"complete -c reviewer -n {when} {words}{value} -d {shlex.quote(_plain(option.help))}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return a help text without the signs that shells read in it."""
    return "".join(" " if char in "[]:'\"`$\\" else char for char in text).strip()
