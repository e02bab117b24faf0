"""What is installed, and what may be in the way."""

from importlib import metadata

from simulators.engines.choice import choose
from verify.reproduction.job import versions

OURS = ("theory", "simulators", "figures", "verify")


def examine() -> tuple[list[tuple[str, str]], list[str]]:
    """Return facts (name, value) and problems, each a sentence with its cure."""
    facts = list(versions().items())
    choice = choose()
    facts += [("device", choice.device), ("runs go to", str(choice))]
    kept, problems = _kernels()
    facts.append(("compiled kernels", kept))
    return facts, problems + [problem for name in OURS if (problem := _shadow(name))]


def _kernels() -> tuple[str, list[str]]:
    """Return where compiled kernels are kept, and complaints about that."""
    from simulators.engines.numba_cpu import compiled

    place, damaged = compiled.examine()
    problems = [
        f"{path} is damaged: the next simulation sets it aside and compiles the kernel anew."
        for path in damaged
    ]
    if not compiled.ENABLED:
        problems.append(compiled.NO_JIT)
    if place is None:
        return "not kept", [*problems, compiled.NOWHERE]
    return f"kept in {place}", problems


def _shadow(name: str) -> str | None:
    """Return a complaint if another distribution provides a package of this name."""
    owners = set(metadata.packages_distributions().get(name, ())) - {"adasam-verify"}
    if not owners:
        return None
    return (
        f"the package {name!r} is also in {', '.join(sorted(owners))}: uninstall that, or use an "
        "environment of its own."
    )
