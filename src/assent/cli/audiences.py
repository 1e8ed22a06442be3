"""audience build, label, instruction."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.admission import write_out
from assent.cli.campaigns import audience
from assent.cli.console import Json, bar, session, show
from assent.cli.people import File, NumberColumn, numbers_of
from assent.cli.sending import Relation, Sender

label = typer.Typer(no_args_is_help=True, help="Facts that you hold of people.")
instruction = typer.Typer(no_args_is_help=True, help="What customers signed for staff to order.")

Programme = Annotated[str, typer.Option(help="Programme that people agreed to.")]
InstructionId = Annotated[str, typer.Argument(help="Id of the instruction.")]


@audience.command("build")
def build(  # long: everything that can be asked is an option
    ctx: typer.Context,
    sender: Sender,
    programme: Programme,
    carrier: Annotated[
        list[str] | None, typer.Option(help="mobile, unicom, telecom or broadnet.")
    ] = None,
    province: Annotated[list[str] | None, typer.Option(help="Chinese or English name.")] = None,
    city: Annotated[list[str] | None, typer.Option(help="Chinese or English name.")] = None,
    segment: Annotated[
        list[str] | None, typer.Option(help="How numbers begin: 3 to 7 digits.")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="People with this label.")] = None,
    without_label: Annotated[
        list[str] | None, typer.Option(help="People without this label.")
    ] = None,
    relation: Relation = None,
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only tell how many.")] = False,
    as_json: Json = False,
) -> None:
    """Make an audience of people who agreed; options that may be repeated are alternatives."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.build_audience(
            sender=sender, programme=programme, name=name, relation=relation,
            carrier=carrier or (), province=province or (), city=city or (),
            segment=segment or (), label=label or (), without_label=without_label or (),
            count=count,
        )  # fmt: skip
    show(run, answer, "audience")


@label.command("put")
def put(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the label.")],
    file: File,
    sender: Sender,
    programme: Programme,
    kind: Annotated[str, typer.Option(help="The programme's kind that covers its use.")],
    origin: Annotated[str, typer.Option(help="How these facts were obtained, in words.")],
    number_column: NumberColumn = None,
    as_json: Json = False,
) -> None:
    """Put the people of a file under a label; who has it already stays."""
    run = session(ctx, as_json)
    numbers = numbers_of(file, number_column)
    with run.client() as client, bar(run, "people", len(numbers)) as move:
        answer = client.put_label(
            name, numbers, sender=sender, programme=programme, kind=kind, origin=origin,
            progress=move,
        )  # fmt: skip
    show(run, answer, "label")


@label.command("list")
def list_labels(ctx: typer.Context, as_json: Json = False) -> None:
    """List your labels with their origins."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.labels(), "labels")


@label.command("delete")
def delete(
    ctx: typer.Context,
    label_id: Annotated[str, typer.Argument(help="Id of the label.")],
    as_json: Json = False,
) -> None:
    """Delete a label with its people."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.drop_label(label_id), "label")


@instruction.command("add")
def add_instruction(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="PDF, image or signed text.")
    ],
    account: Annotated[str, typer.Option(help="Id of the customer's account.")],
    words: Annotated[str, typer.Option(help="What it orders.")],
    signed_on: Annotated[str, typer.Option(help="The date beside the signature.")],
    as_json: Json = False,
) -> None:
    """Hand in what a customer signed, so that a campaign can be ordered for it (for staff)."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.add_instruction(file, account=account, words=words, signed_on=signed_on)
    show(run, told, "instruction")


@instruction.command("show")
def show_instruction(
    ctx: typer.Context, instruction_id: InstructionId, as_json: Json = False
) -> None:
    """Show what an instruction orders, and which campaign it served."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.instruction(instruction_id), "instruction")


@instruction.command("file")
def instruction_file(
    ctx: typer.Context,
    instruction_id: InstructionId,
    out: Annotated[Path, typer.Option(help="Where to write it; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Write an instruction as it was handed in to a file."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.instruction_file(instruction_id)
    show(run, write_out(out, told), "instruction")
