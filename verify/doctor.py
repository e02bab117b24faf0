"""What is installed, and what may be in the way."""

from importlib import metadata

from simulators.engines.choice import choose
from verify.reproduce import versions

OURS = ("theory", "simulators", "figures", "verify")


def examine() -> tuple[list[tuple[str, str]], list[str]]:
    """Return facts (name, value) and problems, each a sentence with its cure."""
    facts = list(versions().items())
    choice = choose()
    facts += [("device", choice.device), ("runs go to", str(choice))]
    return facts, [problem for name in OURS if (problem := _shadow(name))]


def _shadow(name: str) -> str | None:
    """Return a complaint if another distribution provides a package of this name."""
    owners = set(metadata.packages_distributions().get(name, ())) - {"adasam-verify"}
    if not owners:
        return None
    return (
        f"the package {name!r} is also in {', '.join(sorted(owners))}: uninstall that, or use an "
        "environment of its own."
    )
