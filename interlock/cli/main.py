"""The `interlock` command's entry: finds the verb, imports only its module, and turns every end into an exit code.

Knows the verbs' names and nothing of what they do. Exit codes: 0 done, 1 refused or not as expected, 2 wrong usage,
3 no server reached, 130 interrupted.
"""

# ruff: noqa: PLC0415 - what only --version needs is imported by --version

import argparse
import asyncio
import difflib
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from interlock.cli.context import Context
from interlock.cli.errors import INTERRUPTED, REFUSED, CliError, UsageError, translated
from interlock.cli.output import Output


@dataclass(frozen=True)
class Verb:
    """A verb: its name, one line of help, the module that has `configure` and `run`, and the extra it needs."""

    name: str
    help: str
    module: str
    extra: str = ""


VERBS = (
    Verb("up", "run the whole stack here: Temporal, Postgres, attestors, a worker", "up", "embedded"),
    Verb("demo", "watch trades settle, and fail in every ordinary way", "demo", "embedded"),
    Verb("settle", "settle a trade or a blotter with both parties' local keys", "settle"),
    Verb("instruct", "sign a trade as one party", "instruct"),
    Verb("show", "where a settlement stands", "show"),
    Verb("list", "the settlements", "list"),
    Verb("cancel", "consent to cancel a matched trade, as one party", "cancel"),
    Verb("withdraw", "withdraw a proposal that the other party has not signed", "withdraw"),
    Verb("resume", "two operators order a settlement to look again", "resume"),
    Verb("void", "two operators void a trade that is not paid", "void"),
    Verb("recover", "have a settlement finished from what the ledgers hold", "recover", "server"),
    Verb("reconcile", "compare ledgers, runs and what attestors signed; --repair", "reconcile", "server"),
    Verb("ledger", "accounts, books and orders of the ledgers", "ledger", "server"),
    Verb("audit", "what happened to a settlement, and the proof of it", "audit"),
    Verb("keys", "the keys in the data folder", "keys"),
    Verb("worker", "run a worker with the roles that its settings name", "worker", "server"),
    Verb("attestor", "run one attestor, or make a new one", "attestor", "server"),
    Verb("install", "make a database a ledger, or the audit trail", "install", "server"),
    Verb("replay", "would open settlements go on with the installed code? before deploying", "replay"),
    Verb("cluster", "search attributes, and the versions of the settlement workers", "cluster"),
    Verb("environment", "make a new environment for docker-compose.yml", "environment", "server"),
)

_GLOBAL_HELP = "everywhere: --data-dir D  the stack's folder    --json  one JSON document on stdout"


class Parser(argparse.ArgumentParser):
    """An argument parser that never prints an error and never exits: a wrong command line raises UsageError."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("epilog", _GLOBAL_HELP)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with this parser's usage line."""
        raise UsageError(message, _field_of(message), self.format_usage())


def _field_of(message: str) -> str:
    """The argument that argparse complains about: "argument --owner: expected one argument"."""
    if not message.startswith("argument "):
        return ""
    return message.removeprefix("argument ").partition(":")[0].split("/")[-1].lstrip("-").lower()


@dataclass
class _Globals:
    """The options that every verb takes, before or after it."""

    data_dir: str | None = None
    as_json: bool = False


def _split(argv: Sequence[str], options: _Globals) -> list[str]:
    """Fill `options` from wherever they stand on the command line; what is left is the verb's."""
    rest: list[str] = []
    words = iter(argv)
    options.as_json = "--json" in argv  # known before anything can go wrong
    for word in words:
        if word == "--data-dir" or word.startswith("--data-dir="):
            value = word.partition("=")[2] if "=" in word else next(words, "")
            if not value or value == "--json":
                raise UsageError("--data-dir needs a folder", "data-dir")
            options.data_dir = value
        elif word != "--json":
            rest.append(word)
    return rest


def _help() -> str:
    width = max(len(verb.name) for verb in VERBS)
    verbs = "\n".join(f"  {verb.name.ljust(width)}  {verb.help}" for verb in VERBS)
    return (
        "usage: interlock [--data-dir D] [--json] VERB ...\n\n"
        "Delivery-versus-payment settlement: both legs move, or neither does.\n\n"
        f"verbs:\n{verbs}\n\n{_GLOBAL_HELP}\n`interlock VERB --help` says more about a verb; --version prints it.\n"
    )


def _verb(words: list[str]) -> Verb:
    usage = "usage: interlock [--data-dir D] [--json] VERB ...  (interlock --help lists the verbs)"
    if not words:
        raise UsageError("which verb?", "verb", _help())
    for verb in VERBS:
        if verb.name == words[0]:
            return verb
    near = difflib.get_close_matches(words[0], [verb.name for verb in VERBS], n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise UsageError(f"unknown verb `{words[0]}`{hint}", "verb", usage)


def _load(verb: Verb) -> Any:
    """The verb's module; a CliError names the extra when what it needs is not installed."""
    try:
        return importlib.import_module(f"interlock.cli.{verb.module}")
    except ModuleNotFoundError as error:
        known = translated(error)
        if known is None or not verb.extra:
            raise
        text = f"`interlock {verb.name}` needs {error.name}: pip install 'interlock[{verb.extra}]'"
        raise CliError(known.code, text, exit_code=known.exit_code) from error


async def _in_context(module: Any, arguments: argparse.Namespace, context: Context) -> int:
    async with context:
        return int(await module.run(arguments, context))


def _answer(argv: Sequence[str], options: _Globals, output: Output) -> int:
    words = _split(argv, options)
    if words and words[0] in ("-h", "--help"):
        sys.stdout.write(_help())
        return 0
    if words and words[0] == "--version":
        from importlib.metadata import version

        output.document({"version": version("interlock")})
        output.line(f"interlock {version('interlock')}")
        return 0
    verb = _verb(words)
    module = _load(verb)
    parser = Parser(prog=f"interlock {verb.name}", description=module.__doc__)
    module.configure(parser)
    try:
        arguments = parser.parse_args(words[1:])
    except SystemExit as stop:  # argparse's --help
        return int(stop.code or 0)
    context = Context(Path(options.data_dir) if options.data_dir else None, output)
    if inspect.iscoroutinefunction(module.run):
        return asyncio.run(_in_context(module, arguments, context))
    return int(module.run(arguments, context))  # a process of another room that runs a loop of its own


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit code. Prints everything that is to be printed, and never raises."""
    options = _Globals(as_json="--json" in argv)
    output = Output(as_json=options.as_json)
    try:
        return _answer(argv, options, output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        sys.stdout = None
        return REFUSED
    except Exception as error:
        known = translated(error)
        if known is None:
            known = CliError("internal", f"a bug: {type(error).__name__}: {' '.join(str(error).split())}")
        if os.environ.get("INTERLOCK_DEBUG") == "1":
            traceback.print_exception(error)
        output.failure(known)
        return known.exit_code


def run() -> NoReturn:
    """The console script. Leaves with os._exit: an SDK's threads may abort the interpreter's own shutdown."""
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                code = code or REFUSED
    os._exit(code)


if __name__ == "__main__":
    run()
