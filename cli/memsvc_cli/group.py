"""A group of commands: its help, and the border where errors become exit codes.

Our own errors are one line on stderr and exit code 1; wrong usage exits with 2, an interrupt with
130, a closed pipe with 141.
"""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from memsvc_cli import output


class Commands(TyperGroup):
    """The command group, with headings in its help and one border where errors become exit codes."""

    _options_given = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Where a command comes first, leave our own options alone.

        Typer looks at the types even of those that were not given, which imports Pydantic and would
        double the time of every command's help.
        """
        self._options_given = not args or args[0].startswith("-")
        try:
            return super().parse_args(ctx, args)
        finally:
            self._options_given = True

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of `memsvc` itself."""
        return super().get_params(ctx) if self._options_given else []

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands under their headings; plain help has no panels of its own."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            summary = command.get_short_help_str(limit=200)
            panels.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append((name, summary))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows, col_max=12)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the one place where its errors are shown."""
        from memsvc.errors import MemsvcError

        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_stdout()
            raise typer.Exit(141) from None  # as if SIGPIPE had ended us
        except (MemsvcError, OSError) as error:
            output.error(_message(error))
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        return result


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _forget_stdout() -> None:
    """Nobody reads any more; what is left in the buffer must not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
