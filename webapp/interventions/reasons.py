"""The pipeline's reasons as sentences for the technician, in the reader's language."""

from flask_babel import gettext

from pipeline import errors


def advice(reason: str | None) -> str:
    """What happened and what to do; empty without a reason."""
    if reason is None:
        return ""
    return gettext(_ADVICE.get(reason, errors.PipelineFailed.advice))


def _leaves(kind: type[errors.PipelineError]) -> list[type[errors.PipelineError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _leaves(child))]


_ADVICE = {leaf.reason: leaf.advice for leaf in _leaves(errors.PipelineError) if leaf.advice}
