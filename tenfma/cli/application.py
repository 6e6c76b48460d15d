"""The Typer application: every command registered, every error one plain sentence."""

import contextlib
import errno
import os
import sys
import warnings
from importlib import import_module

import typer

import tenfma
from tenfma.crystal import RESOLVERS
from tenfma.errors import TenfmaError

#: command -> (module, function); these modules import what is heavy inside their functions, so `--help` is quick
COMMANDS = {
    "app": ("tenfma.cli.app", "app"),
    "catalogue": ("tenfma.cli.catalogue", "catalogue"),
    "certify": ("tenfma.cli.certify", "certify"),
    "embed": ("tenfma.cli.embed", "embed"),
    "evaluate": ("tenfma.cli.evaluate", "evaluate"),
    "evolve": ("tenfma.cli.evolve", "evolve"),
    "explain": ("tenfma.cli.explain", "explain"),
    "featurize": ("tenfma.cli.featurize", "featurize"),
    "md": ("tenfma.cli.md", "md"),
    "relax": ("tenfma.cli.relax", "relax"),
    "train": ("tenfma.cli.train", "train"),
}

#: the base of every usage error, whether Typer brings its own copy of click or uses the installed one
UsageProblem: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

BAD_INPUT = 2
#: nobody reads on, as after `| head`: what Typer answers too
CLOSED = 1
#: a disk or a quota is full
FULL = (errno.ENOSPC, errno.EDQUOT)
#: Typer's own answer to Ctrl-C
TYPER_INTERRUPTED = 130


def build() -> typer.Typer:
    """The Typer application with every command registered."""
    app = typer.Typer(
        name="tenfma",
        help="Crystals as simplicial complexes that move under a learned, certified Hamiltonian.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
        if version:
            typer.echo(f"tenfma {tenfma.__version__}")
            raise typer.Exit

    for name, (module, function) in COMMANDS.items():
        command = getattr(import_module(module), function)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def answer(arguments: list[str]) -> int:
    """Run one command line and return its exit code: 0 done, 2 bad input. Raises KeyboardInterrupt on Ctrl-C."""
    warnings.simplefilter(
        "ignore"
    )  # what a person must know is said in a sentence, not in a library's warning
    RESOLVERS["catalogue:"] = _from_catalogue
    try:
        result = build()(arguments, standalone_mode=False, prog_name="tenfma")
        if result == TYPER_INTERRUPTED:
            raise KeyboardInterrupt
        sys.stdout.flush()  # a full disk is met here rather than after the last word
        return result if isinstance(result, int) else 0
    except TenfmaError as error:
        print(f"tenfma: {error}", file=sys.stderr)
        return BAD_INPUT
    except UsageProblem as error:
        message = error.format_message()  # type: ignore[attr-defined]
        if type(error).__name__ == "NoArgsIsHelpError":
            print(message)
            return 0
        print(f"tenfma: {message} (see `tenfma --help`)", file=sys.stderr)
        return BAD_INPUT
    except typer.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        _let_go()
        return CLOSED
    except OSError as error:
        if error.errno not in FULL:
            raise
        _let_go()
        print(
            "tenfma: there is no space left to write to; make room and run the same command again",
            file=sys.stderr,
        )
        return BAD_INPUT


def _let_go() -> None:
    """Point stdout at nothing, so that what it still holds is not tried once more on the way out."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _from_catalogue(name: str):
    """The crystal of an entry of the user's catalogue, by id or identifier."""
    from tenfma import catalogue

    with catalogue.open() as held:
        return held.structure(name)
