"""`adasam claims`."""

from verify.commands.options import Json
from verify.commands.terminal import print_json, show


def claims(json: Json = False) -> None:
    """List the claims that `reproduce` judges."""
    from verify.claims import CLAIMS
    from verify.commands import tables

    if json:
        fields = ("id", "source", "statement", "method", "expected")
        rows = [{name: getattr(claim, name) for name in fields} for claim in CLAIMS.values()]
        print_json({"claims": rows})
    else:
        show(tables.claims(CLAIMS.values()))
