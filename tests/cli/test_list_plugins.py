from __future__ import annotations

import json


def test_a_pipe_gets_plain_aligned_lines(itrans):
    done = itrans("list-plugins")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].split() == ["kind", "name", "distribution", "version", "object"]
    assert ["generator", "unet", "itrans", "0.1.0", "itrans_pix2pix.generators:UNet"] in [
        line.split() for line in lines
    ]


def test_json_has_the_same_keys(itrans):
    rows = json.loads(itrans("list-plugins", "--json").output)
    assert all(list(row) == ["kind", "name", "distribution", "version", "object"] for row in rows)
    assert {row["kind"] for row in rows} == {"generator", "discriminator", "loss", "dataset", "method"}


def test_one_kind(itrans):
    rows = json.loads(itrans("list-plugins", "loss", "--json").output)
    assert {row["name"] for row in rows} >= {"cgan", "gan", "l1", "l2"}
    assert {row["kind"] for row in rows} == {"loss"}


def test_an_unknown_kind_is_a_usage_error(itrans):
    done = itrans("list-plugins", "generators")
    assert done.exit_code == 2
    assert "generator" in done.stderr


def test_check_loads_everything_of_ours(itrans):
    done = itrans("list-plugins", "--check")
    assert done.exit_code == 0, done.output
    assert "broken" not in done.output


def test_check_reports_the_broken_ones_in_place_and_exits_2(itrans, install):
    install("bad-parts", "0.3", "[itrans.losses]\nbroken = bad_parts:Loss\n", bad_parts="import not_there_at_all\n")
    done = itrans("list-plugins", "--check", "--json")
    assert done.exit_code == 2
    status = {row["name"]: row["status"] for row in json.loads(done.stdout)}
    assert status["broken"].startswith("broken: ModuleNotFoundError")
    assert status["l1"] == "ok"
    assert itrans("list-plugins").exit_code == 0


def test_a_malformed_package_is_named_and_hides_nobody(itrans, install):
    install("garbled", "2", "this is [not an ini file\n")
    done = itrans("list-plugins")
    assert done.exit_code == 0
    assert "garbled-2.dist-info" in done.stderr
    assert "unet" in done.stdout
    assert itrans("list-plugins", "--check").exit_code == 2


def test_control_characters_of_a_package_do_not_reach_the_terminal(itrans, install):
    install("sly", "1", "[itrans.losses]\nred\x1b[31m = sly:Loss\n")
    done = itrans("list-plugins", "loss")
    assert "\x1b" not in done.output
    assert "red\N{REPLACEMENT CHARACTER}[31m" in done.output
