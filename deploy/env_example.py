"""Prints .env.example as the settings have it now: `just env` writes it, a test compares."""

from memsvc.settings import Settings

HEAD = """\
# Every setting of memsvc, with its default. Copy to .env, and uncomment what you change.
# Compose and systemd read such a file; a shell does with: set -a; . ./.env; set +a
"""
OWN_PLACES = ("database", "cache_dir")
"""Their defaults are folders of whoever runs it."""


def text() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        default = "{}" if field.default_factory else field.default  # a table of its own is written as JSON
        default = "" if name in OWN_PLACES or default is None else default
        parts.append(f"# {field.description}\n# MEMSVC_{name.upper()}={default}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(text(), end="")
