"""Pages of HTML from templates: everything filled in is escaped, and a name that a template misses is an error."""

from __future__ import annotations

from pathlib import Path


def filled_in(template: Path, **values: object) -> str:
    """Return a page.

    Parameters
    ----------
    template
        A Jinja2 template; what it includes or imports lies beside it or beside this module.
    values
        What it names. Text is escaped, `markupsafe.Markup` is not.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader([template.parent, Path(__file__).parent])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template.name).render(values)
