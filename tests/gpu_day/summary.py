"""Sum up what `make gpu-day` has found so far: summary.txt, readme.md and changelog.md.

The summary has at most 30 lines. The tables are for the README ("has run on", rates) and the
CHANGELOG.
"""

import json
import re
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

NOT_MEASURED = "not measured on a GPU"
RESULT = re.compile(
    r"^(?:\[gw\d+\]\s+\[\s*\d+%\]\s+)?(?:(PASSED|FAILED|ERROR|SKIPPED)\s+)?"
    r"(tests/\S+?::\w+)(\[[^\]]*\])?(?:\s+(PASSED|FAILED|ERROR|SKIPPED))?"
)


def parity(log: Path) -> tuple[dict[str, Counter[str]], list[str]]:
    """Return how the tests of each function ended, from pytest's verbose log, and what failed."""
    ended: dict[str, Counter[str]] = {}
    failed = []
    if not log.exists():
        return ended, failed
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = RESULT.match(line.strip())
        word = found and (found[1] or found[4])
        if found and word:
            name = found[2].split("::")[1]
            ended.setdefault(name, Counter())[word.lower()] += 1
            if word in ("FAILED", "ERROR") and f"{name}{found[3] or ''}" not in failed:
                failed.append(f"{name}{found[3] or ''}")
    return ended, failed


def read(path: Path) -> dict[str, Any] | None:
    """Return a step's JSON, None if it has not ended."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def rates(content: dict[str, Any], mark: str) -> list[list[str]]:
    """Return a bench's rows as cells: case, d, b, R, T, dtype, engine, rate in 1e9 a second."""
    return [
        [row["case"].removeprefix("device_"), row["engine"], str(row["d"]), str(row["b"]),
         str(row["R"]), str(row["T"]), row["dtype"], f"{row['rate'] / 1e9:.4g}{mark}"]
        for row in content["rows"]
    ]  # fmt: skip


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def best(contents: list[dict[str, Any]], engine: str) -> dict[str, Any] | None:
    """Return the fastest row of an engine."""
    rows = [row for content in contents for row in content["rows"] if row["engine"] == engine]
    return max(rows, key=lambda row: row["rate"], default=None)


def main() -> None:
    """Write the three files."""
    out = Path(sys.argv[1])
    steps = json.loads((out / "steps.json").read_text(encoding="utf-8"))
    real = steps["measured_on_gpu"]
    mark = "" if real else f" ({NOT_MEASURED})"
    machine = read(out / "machine.json") or {"card": "unknown", "python": "?", "versions": {}}
    versions = machine["versions"]
    on = (
        f"{machine['card']}; Python {machine['python']}, torch {versions.get('torch')}, triton "
        f"{versions.get('triton')}"
    )
    dry = "" if real else f": DRY RUN, every number {NOT_MEASURED}"
    lines = [f"GPU day, {date.today()}{dry}", on]
    lines += [f"{name}: ended {one['ended']}, {one['seconds']} s" for name, one in
              steps["steps"].items()]  # fmt: skip
    ended, failed = parity(out / "logs" / "parity.log")
    total = sum(ended.values(), Counter())
    lines.append(
        f"parity: {total['passed']} passed, {total['failed'] + total['error']} failed, "
        f"{total['skipped']} skipped{mark}"
    )
    lines += [f"  failed: {name}" for name in failed[:5]]
    benches = [content for case in "dRbT" if (content := read(out / f"bench_{case}.json"))]
    for engine in ("triton", "torch", "torch_eager", "jax", "numba"):
        row = best(benches, engine)
        if row:
            lines.append(
                f"{engine}: at most {row['rate'] / 1e9:.3g}e9 coordinate-steps/s (d = {row['d']}, "
                f"R = {row['R']}, {row['dtype']}){mark}"
            )
    for content in benches:
        for one in content["bounds"]:
            share = "" if one["share"] is None else f", reached {one['share']:.0%}"
            lines.append(
                f"issue bound d = {one['d']}, {one['dtype']}: {one['rate'] / 1e9:.3g}e9/s, "
                f"{one['instructions']} instructions, {one['registers']} registers{share}{mark}"
            )
    compared = read(out / "reproduce.json")
    if compared:
        rows = compared["claims"]
        same = sum(row["gpu"] == row["cpu"] for row in rows)
        worst = max(row["largest_relative_difference"] for row in rows)
        lines.append(
            f"claims: {same} of {len(rows)} verdicts as on the CPU; numbers differ by at most "
            f"{worst:.2g}{mark}"
        )
        lines += [f"  differs: {row['claim']}" for row in rows if row["gpu"] != row["cpu"]][:4]
    (out / "summary.txt").write_text("\n".join(lines[:30]) + "\n", encoding="utf-8")

    per_test = [
        [f"`{name}`", str(count["passed"]), str(count["failed"] + count["error"]),
         str(count["skipped"])]
        for name, count in ended.items()
    ]  # fmt: skip
    parts = [
        f"Run on {date.today()} on {on}." if real else f"Dry run: {NOT_MEASURED}.",
        markdown(["test", "passed", "failed", "skipped"], per_test),
    ]
    table = [row for content in benches for row in rates(content, mark)]
    if table:
        header = ["varied", "engine", "d", "b", "R", "T", "dtype", "10⁹ coordinate-steps/s"]
        parts.append(markdown(header, table))
    (out / "readme.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    (out / "changelog.md").write_text(
        f"- The torch and triton engines were run on {on}: {total['passed']} parity tests passed, "
        f"{total['failed'] + total['error']} failed{mark}.\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
