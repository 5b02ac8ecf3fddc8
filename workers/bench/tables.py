"""The numbers as Markdown."""

from collections.abc import Iterable, Sequence

from workers.bench.corpus import Row
from workers.bench.section import Table


def good(rows: Sequence[Row]) -> str:
    """The files of real phones: verdict, sync and duration errors, frames."""
    head = ("file", "verdict", "s", "sync error", "duration error", "frames in/out")
    lines = [
        (
            row.file,
            row.verdict if row.right else f"**{row.verdict}** {row.message}",
            f"{row.seconds:.1f}",
            _ms(row.sync_s),
            _ms(row.duration_s),
            f"{row.frames_in}/{row.frames_out}" if row.frames_in is not None else "",
        )
        for row in rows
    ]
    return f"## Real files\n\n{_table(head, lines)}\n\n{_totals(rows)}\n"


def hostile(rows: Sequence[Row]) -> str:
    """The hostile files: verdict, time, memory."""
    head = ("file", "verdict", "s", "peak MiB")
    lines = [
        (
            row.file.removeprefix("hostile/"),
            row.verdict if row.right else f"**{row.verdict}** {row.message}",
            f"{row.seconds:.1f}",
            f"{row.peak_rss_bytes / 2**20:.0f}" if row.peak_rss_bytes else "",
        )
        for row in rows
    ]
    return f"## Hostile files\n\n{_table(head, lines)}\n\n{_totals(rows)}\n"


def markdown(table: Table) -> str:
    """A section's table."""
    note = f"\n{table.note}\n" if table.note else ""
    return f"## {table.title}\n\n{_table(table.head, table.rows)}\n{note}"


def _totals(rows: Sequence[Row]) -> str:
    made = sum(row.verdict == "made" for row in rows)
    rejected = sum(row.verdict.startswith("rejected") for row in rows)
    wrong = [row.file for row in rows if not row.right]
    peak = max((row.peak_rss_bytes or 0 for row in rows), default=0)
    longest = max((row.seconds for row in rows), default=0.0)
    return (
        f"{len(rows)} files: {made} made, {rejected} rejected, {len(wrong)} wrong; "
        f"crashes {sum(row.crashed for row in rows)}, hangs {sum(row.hung for row in rows)}, "
        f"reads beside the file {sum(bool(row.read_beside) for row in rows)}; "
        f"highest memory of a child {peak / 2**20:.0f} MiB, longest {longest:.1f} s."
        + "".join(f"\n- wrong: {name}" for name in wrong)
    )


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:+.0f} ms"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
