"""Promise: the help is true: every option it lists is taken, and no option is left out of it."""

import re

import pytest

from kit.gateway import run

COMMANDS = ["serve", "gateway", "control", "check", "routes", "schema", "version"]
OPTION = re.compile(r"(?<![\w-])(--?[a-zA-Z][a-z-]*)")


def in_help(command):
    """The options of the lines that explain them, each of which begins with one."""
    done = run(command, "--help")
    lines = [line.strip() for line in done.stdout.splitlines() if re.match(r"^  -", line)]
    return {option for line in lines for option in OPTION.findall(line.split("  ")[0])}


def taken(command):
    """What the command line knows, as it says itself when asked for nonsense."""
    done = run(command, "--zzzzzzzzzzzz")
    assert done.returncode == 2, done
    return set(OPTION.findall(done.stderr.split("options:")[1].splitlines()[0])) - {"--help", "-h"}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_lists_what_is_taken(command):
    assert in_help(command) == taken(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_has_an_example_that_calls_the_command(command):
    text = run(command, "--help").stdout
    assert f"weir {command}" in text.split("examples:")[1]


def test_no_file_means_weir_yaml_of_the_folder_and_is_said(tmp_path):
    (tmp_path / "weir.yaml").write_text(
        "listeners: [{address: '127.0.0.1:0'}]\nroutes: [{route_id: r, path_pattern: /, plugin_chain: [respond]}]\n"
    )
    done = run("check", cwd=tmp_path)
    assert done.returncode == 0 and "weir.yaml: ok (1 route, 0 upstreams" in done.stdout, (done.stdout, done.stderr)
    assert "./weir.yaml is used" in done.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run("routes", cwd=empty)
    assert done.returncode == 2 and "no ./weir.yaml here" in done.stderr


def test_a_dash_is_standard_input(tmp_path):
    done = run("check", "-", cwd=tmp_path, stdin="routes: 7\n")
    assert done.returncode == 1 and "standard input:1:9: routes: " in done.stderr, done.stderr
