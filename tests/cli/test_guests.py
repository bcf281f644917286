"""Commands that other packages bring."""

from __future__ import annotations

import sys

GOOD = '''
"""Greets."""
import click

@click.command()
@click.option("--times", default=1)
def hello(times):
    """Say hello to a checkpoint.

    More than once, if asked to.
    """
    from itrans.api import ItransError
    if times > 3:
        raise ItransError("That is too often: --times is 3 at most.")
    for _ in range(times):
        click.echo("hello")
'''


def test_a_command_is_listed_without_being_imported_and_runs(itrans, install):
    install("itrans-greeter", "1.2", "[itrans.commands]\nhello = greeter:hello\n", greeter=GOOD)
    done = itrans("--help")
    assert done.exit_code == 0
    assert "Say hello to a checkpoint. (itrans-greeter 1.2)" in " ".join(done.stdout.split())
    assert "greeter" not in sys.modules
    assert itrans("hello", "--times", 2).stdout == "hello\nhello\n"
    assert "--times" in itrans("hello", "--help").stdout


def test_its_errors_are_messages_like_ours(itrans, install):
    install("itrans-greeter", "1.2", "[itrans.commands]\nhello = greeter:hello\n", greeter=GOOD)
    done = itrans("hello", "--times", 4)
    assert done.exit_code == 2
    assert done.stderr == "Error: That is too often: --times is 3 at most.\n"
    assert 'Did you mean "hello"' in itrans("helo").stderr


def test_a_broken_one_is_named_when_it_is_called_and_spoils_no_other(itrans, install):
    install("itrans-broken", "0.3", "[itrans.commands]\nbroken = broken:main\n", broken="import missing_library\n")
    install("itrans-greeter", "1.2", "[itrans.commands]\nhello = greeter:hello\n", greeter=GOOD)
    assert itrans("--help").exit_code == 0
    assert itrans("hello").stdout == "hello\n"
    assert itrans("list-plugins").exit_code == 0
    done = itrans("broken")
    assert done.exit_code == 2
    assert 'The command "broken" (itrans-broken 0.3)' in done.stderr
    assert "missing_library" in done.stderr


def test_what_is_no_command_is_said(itrans, install):
    install("itrans-odd", "0.3", "[itrans.commands]\nodd = odd:main\n", odd="def main(): pass\n")
    done = itrans("odd")
    assert done.exit_code == 2
    assert "itrans-odd 0.3" in done.stderr
    assert "@click.command()" in done.stderr


def test_one_name_of_two_packages_is_nobodys(itrans, install):
    for number in ("one", "two"):
        install(f"itrans-{number}", "1.0", f"[itrans.commands]\nhello = {number}:hello\n", **{number: GOOD})
    done = itrans("hello")
    assert done.exit_code == 2
    assert '"itrans-one" and "itrans-two"' in done.stderr


def test_none_takes_the_place_of_ours(itrans, install):
    install("itrans-greeter", "1.2", "[itrans.commands]\nlist-plugins = greeter:hello\n", greeter=GOOD)
    assert "hello" not in itrans("list-plugins", "method").stdout.splitlines()
    assert itrans("--help").stdout.count("list-plugins ") == 2  # the example and the list
