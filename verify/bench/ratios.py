"""From rows to the ratios that answer a question."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PEERS = ("torch_optim_loop", "numpy", "torch", "jax", "jax_runs_last", "reference")


def ratios(
    rows: Sequence[Mapping[str, Any]], memory: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return every ratio that the rows allow.

    Parameters
    ----------
    rows : sequence of dict
        As `verify.bench.measure.rates` returns them.
    memory : sequence of dict
        As `verify.bench.children.memory` returns them.

    Returns
    -------
    list of dict
        ``name``; ``value``, of two medians that were measured side by side; ``case``, ``engine``
        and ``d``, where it compares engines at one d; and ``meaning``.
    """
    rests = {"eta": "rests"}
    pairs = [
        ("threads", "threads = 2", {"threads": 2}, {"threads": 1}, "two threads over one"),
        ("ragged", "ragged T", {"ragged": True}, {"ragged": None},
         "runs of unlike T over as much work in runs of one T"),
        *(
            ("dtype", f"{engine}, float64", {"engine": engine, "dtype": "float64"},
             {"engine": engine, "dtype": "float32"}, "float64 over float32")
            for engine in ("numba", "torch", "numpy")
        ),
        *(
            ("eta", f"eta {eta}", {"eta": eta}, rests, "over eta at rest")
            for eta in ("follows the noise", "changes every step")
        ),
        *(
            ("finite_sum", f"finite sum, numba{name}/torch_gather_bmm",
             {"engine": "numba", "gradient_share": share}, {"engine": "torch_gather_bmm"},
             f"over torch's gathered rows and batched products; numba takes {what}")
            for name, share, what in (
                ("", 1e-9, "the true gradient at 64 checkpoints"),
                (", statistics", 1 / 64, "it at every 64th step too, torch never"),
            )
        ),
    ]  # fmt: skip
    return [
        *_against_peers(rows),
        *_along(rows, "b", 16, "the rate at this b over that at b = 16"),
        *_along(rows, "T", None, "longer runs over the shortest: cost flat in T"),
        *_along(rows, "R", 1024, "as many runs over 1024: cost flat in R"),
        *(ratio for pair in pairs for ratio in _pair(rows, *pair)),
        *_on_device(rows),
        *_memory(memory),
    ]


def _against_peers(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for peer in PEERS:
        for row in _where(rows, case="d", engine="numba"):
            for other in _where(rows, case="d", engine=peer, d=row["d"]):
                yield {
                    "name": f"numba/{peer}, d = {row['d']}",
                    "value": row["rate"] / other["rate"],
                    "case": "d",
                    "engine": peer,
                    "d": row["d"],
                    "meaning": f"how many times as fast numba is as {peer}",
                }


def _on_device(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rates on a GPU over the numba engine's on all cores, and the Triton engine's along
    R and T over its first.
    """
    cases = list(dict.fromkeys(row["case"] for row in rows if row["case"].startswith("device_")))
    for case in cases:
        for base in _where(rows, case=case, engine="numba"):
            same = {name: base[name] for name in ("d", "R", "b", "dtype")}
            for row in _where(rows, case=case, **same):
                if row["engine"] != "numba":
                    yield {
                        "name": f"{row['engine']}/numba, d = {row['d']}, R = {row['R']}, "
                        f"b = {row['b']}, {row['dtype']}",
                        "value": row["rate"] / base["rate"],
                        "case": case,
                        "meaning": f"{row['engine']} on {row['device']} over numba on "
                        f"{base['threads']} threads",
                    }
    for axis, meaning in (("R", "cost flat in R once the GPU is full"), ("T", "cost flat in T")):
        mine = _where(rows, case=f"device_{axis}", engine="triton")
        for row in mine[1:]:
            yield {
                "name": f"triton, {axis} = {row[axis]} / {axis} = {mine[0][axis]}",
                "value": row["rate"] / mine[0]["rate"],
                "case": f"device_{axis}",
                "meaning": meaning,
            }


def _along(
    rows: Sequence[Mapping[str, Any]], case: str, base: int | None, meaning: str
) -> Iterator[dict[str, Any]]:
    """Yield the numba engine's rate along a case's axis over its rate at ``base``, or at the
    first.
    """
    mine = _where(rows, case=case, engine="numba")
    first = mine if base is None else _where(mine, **{case: base})
    for row in mine:
        if first and row is not first[0]:
            yield {
                "name": f"{case} = {row[case]} / {case} = {first[0][case]}",
                "value": row["rate"] / first[0]["rate"],
                "case": case,
                "meaning": meaning,
            }


def _pair(
    rows: Sequence[Mapping[str, Any]],
    case: str,
    name: str,
    over: Mapping[str, Any],
    under: Mapping[str, Any],
    meaning: str,
) -> Iterator[dict[str, Any]]:
    """Yield the rate of one entry of a case over another's, if both were measured."""
    above, below = _where(rows, case=case, **over), _where(rows, case=case, **under)
    if above and below:
        value = above[0]["rate"] / below[0]["rate"]
        yield {"name": name, "value": value, "case": case, "meaning": meaning}


def _memory(memory: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in memory[1:]:
        yield {
            "name": f"peak memory, T = {row['T']} / T = {memory[0]['T']}",
            "value": row["peak_bytes"] / memory[0]["peak_bytes"],
            "case": "memory",
            "meaning": "of the whole process: memory flat in T",
        }


def _where(rows: Sequence[Mapping[str, Any]], **wanted: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
