"""`itrans doctor`."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from itrans_doctor.findings import Section

_COLUMNS = 80


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(as_json: bool) -> None:
    """Check this installation and this machine, and say how to mend what is wrong.

    It shows versions, devices, disk space, extras and what each brings, and plugins that do not work. The exit code
    is 1 if something does not work.
    """
    from itrans_doctor.findings import Section, sections

    found = []
    for title, find in sections():
        section = Section(title, find())
        found.append(section)
        if not as_json:
            _show(section)
    faults = [finding for section in found for finding in section.findings if finding.is_fault]
    if as_json:
        click.echo(json.dumps({section.title: [asdict(finding) for finding in section.findings] for section in found}))
    elif faults:
        click.echo(f"Not well: {', '.join(finding.what for finding in faults)}.")
    else:
        click.echo("All is well.")
    if faults:
        raise click.exceptions.Exit(1)


def _show(section: Section) -> None:
    click.echo(section.title)
    width = max(len(finding.what) for finding in section.findings)
    for finding in section.findings:
        mark = "!" if finding.is_fault else " "
        head = f"{mark} {finding.what:{width}}  "
        lines = [finding.value, *([f"-> {finding.advice}"] if finding.advice else [])]
        for number, line in enumerate(lines):
            first = head if number == 0 else " " * len(head)
            wrapped = textwrap.wrap(line, _COLUMNS, initial_indent=first, subsequent_indent=" " * len(head))
            click.echo("\n".join(wrapped))
    click.echo()
