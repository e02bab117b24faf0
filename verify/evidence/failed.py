"""A claim whose evidence could not be gathered or shown: ``{"failed": {"reason", "where"}}``."""

from verify.evidence.kind import Kind, Verdict, register


@register
class Failed(Kind):
    """Inconclusive, with the reason."""

    key = "failed"
    template = "failed.html.j2"

    def verdict(self) -> Verdict:
        """Return ``inconclusive``."""
        return "inconclusive"

    def summary(self) -> str:
        """Return the reason."""
        failed = self.content["failed"]
        return f"not judged: {failed['reason']} ({failed['where']})"
