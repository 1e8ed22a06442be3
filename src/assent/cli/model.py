"""`assent model`: train models of kinds, keep them, compare them, put one in force. Works here,
without a server or a key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assent.cli.console import Json, print_json

if TYPE_CHECKING:
    from assent.cli.models_kept import Kept
    from assent.screen.lessons import Example, School

# What computes is imported where it is used: it takes longer to load than other commands run.

model = typer.Typer(no_args_is_help=True, help="Models that tell what a text is.")

Directory = Annotated[
    Path, typer.Option("--models", envvar="ASSENT_MODELS", help="Where models are kept.")
]
Version = Annotated[str, typer.Argument(help="Version of a model.")]
_WHERE = Path("models")


@model.command("train")
def train_model(
    texts: Annotated[
        list[Path], typer.Argument(help="CSV, JSONL, Parquet; or directories of them.")
    ],
    version: Annotated[str, typer.Option(help="What to call the model.")],
    models: Directory = _WHERE,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 1,
    without: Annotated[
        list[str] | None, typer.Option(help="A set to leave out; may be repeated.")
    ] = None,
    samples: Annotated[bool, typer.Option(help="Learn from the packaged samples, too.")] = True,
    as_json: Json = False,
) -> None:
    """Learn a model from labelled texts and keep it with its card; it is not yet in force."""
    from assent.screen.training import counted, train

    examples, schools, sources = lessons(texts, seed, samples, set(without or ()))
    weights = train(examples, schools, seed, tell=_tell)
    about = {**weights.about, "version": version, "sources": sources, "counts": counted(examples)}
    _show(_kept(models).put(replace(weights, about=about)), as_json)


def lessons(
    texts: list[Path], seed: int, samples: bool, without: set[str]
) -> tuple[list[Example], list[School], list[dict[str, str]]]:
    """Return what there is to learn from, and where it is from."""
    from assent.cli.labelled import read_texts, sources_in
    from assent.screen.samples import WRITTEN, renderings, sample_document, written_school

    examples, schools = read_texts(texts)
    sources = [source for source in sources_in(texts) if source["name"] not in without]
    if samples:
        document = sample_document()
        examples += renderings(document, seed, 12)
        schools.append(written_school(document))
        sources.append({
            "name": WRITTEN, "file": document["version"], "source": "written for this project",
            "licence": "Apache-2.0",
        })  # fmt: skip
    return (
        [one for one in examples if one.school not in without],
        [school for school in schools if school.name not in without],
        sources,
    )


def _kept(models: Path) -> Kept:
    from assent.cli.models_kept import Kept

    return Kept(models)


def _tell(words: str) -> None:
    typer.echo(f"  ... {words}", err=True)


def _show(card: dict[str, Any], as_json: bool) -> None:
    from assent.screen.card import card_text

    if as_json:
        print_json(card)
    else:
        typer.echo(card_text(card), nl=False)


@model.command("card")
def show_card(
    version: Annotated[str | None, typer.Argument(help="Absent: the packaged model.")] = None,
    models: Directory = _WHERE,
    as_json: Json = False,
) -> None:
    """Show what a model is, what it learned from and under which licences."""
    if version is not None:
        return _show(_kept(models).card(version), as_json)
    from assent.screen.card import card_of
    from assent.screen.model import Model

    packaged = Model.packaged()
    return _show(card_of(packaged.about, packaged.digest, packaged.size), as_json)


@model.command("list")
def list_models(models: Directory = _WHERE, as_json: Json = False) -> None:
    """List the models that are kept, and which is in force."""
    from assent.screen.model import Model

    kept = _kept(models)
    state = kept.state()
    answer = {"versions": kept.versions(), "packaged": Model.packaged().version, **state}
    if as_json:
        print_json(answer)
        return
    marks = {state["active"]: "in force", state["shadow"]: "judges beside"}
    packaged = "in force" if state["active"] is None else ""
    typer.echo(f"{answer['packaged']}\tpackaged\t{packaged}".rstrip())
    for version in kept.versions():
        typer.echo(f"{version}\tkept\t{marks.get(version, '')}".rstrip())


@model.command("activate")
def activate(version: Version, models: Directory = _WHERE, as_json: Json = False) -> None:
    """Put a model in force; the one before is kept for `assent model rollback`."""
    _state(_kept(models).activate(version), as_json)


@model.command("rollback")
def rollback(models: Directory = _WHERE, as_json: Json = False) -> None:
    """Put in force again what was before the last activation."""
    _state(_kept(models).roll_back(), as_json)


@model.command("shadow")
def shadow(
    version: Annotated[str, typer.Argument(help="Version, or `none`.")],
    texts: Annotated[
        list[Path] | None, typer.Argument(help="Labelled texts to compare both models on.")
    ] = None,
    models: Directory = _WHERE,
    as_json: Json = False,
) -> None:
    """Let a second model judge beside the one in force; with texts, tell where they differ."""
    from assent.cli.labelled import read_texts
    from assent.screen.normal import normalise_all
    from assent.screen.shadow import differences

    kept = _kept(models)
    state = kept.shadow(None if version == "none" else version)
    if not texts or version == "none":
        _state(state, as_json)
        return
    examples, _ = read_texts(texts)
    texts_read = [one.text for one in normalise_all([example.text for example in examples])]
    found = differences(kept.active(), kept.model(version), texts_read)
    answer = {
        "texts": found.texts, "differ": len(found.places),
        "spam_first": found.spam_first, "spam_second": found.spam_second,
        "moved": [
            {"first": a, "second": b, "texts": many} for (a, b), many in found.moved.most_common()
        ],
    }  # fmt: skip
    if as_json:
        print_json(answer)
        return
    typer.echo(f"{answer['differ']} of {found.texts} texts differ")
    for (first, second), many in found.moved.most_common(20):
        typer.echo(f"{many}\t{first} -> {second}")


def _state(state: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(state)
        return
    typer.echo(f"in force: {state['active'] or 'the packaged model'}")
    if state["shadow"]:
        typer.echo(f"judges beside it: {state['shadow']}")
