"""Promise: the help is true: every option it lists is taken, and no option is left out of it."""

import re
import subprocess

import pytest

from kit.gateway import BINARY, run

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


def words_after(line):
    """What Tab offers behind that line in bash."""
    script = """
source <("$1" completion bash)
read -ra COMP_WORDS <<< "$2"; [[ $2 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _weir; printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(["bash", "-c", script, "bash", BINARY, line], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and not done.stderr, done
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_values():
    assert {"serve", "apply", "explain", "help"} <= words_after("weir ")
    assert words_after("weir hi") == {"history"}
    assert words_after("weir apply --pr") == {"--prune"}
    assert words_after("weir key ") == {"create", "list", "rotate", "disable", "enable", "revoke"}
    assert words_after("weir key create --co") == {"--config", "--consumer"}
    assert words_after("weir operator create ann --role p") == {"platform"}
    assert words_after("weir dump --format ") == {"yaml", "json"}
    assert words_after("weir completion ") == {"bash", "zsh", "fish"}
    assert words_after("weir apply --file ") == set()  # files are the shell's own


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_every_command_is_completed_by_the_other_shells(shell):
    text = run("completion", shell).stdout
    for command in COMMANDS:
        assert f" {command} " in text or f"'{command}:" in text, command
    assert run("completion", "csh").returncode == 2


def test_the_manual_says_what_the_help_says():
    text = run("man").stdout
    assert text.startswith('.\\" Made by')
    for command in COMMANDS:
        assert f'.SS "weir {command}"' in text
    assert "\\-\\-no\\-publish" in text and "WEIR_TOKEN" in text


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
