"""What can go wrong with a stranger's file, and what is our own fault.

    PipelineError
    ├── MediaRejected            the file's fault: final, told to the technician
    │   ├── Empty                empty
    │   ├── UnknownType          unknown-type
    │   ├── Unreadable           unreadable
    │   ├── Truncated            truncated
    │   ├── Encrypted            encrypted
    │   ├── NoPicture            no-picture
    │   ├── UnsupportedCodec     unsupported-codec
    │   ├── TooLong              too-long
    │   ├── TooManyPixels        too-many-pixels
    │   ├── TooManyStreams       too-many-streams
    │   ├── TooManyPages         too-many-pages
    │   ├── BrokenTimeline       broken-timeline
    │   └── Damaged              damaged
    └── PipelineFailed           ours: an engineer is woken
        ├── EngineFailed         engine-failed
        ├── ProofFailed          proof-failed
        ├── LimitExceeded        limit-exceeded
        ├── PlanOutdated         plan-outdated
        ├── SandboxUnavailable   sandbox-unavailable
        └── WorkerLost           worker-lost

`reason` is stable: it is stored, translated by the shop and part of the API.
"""

import struct
from typing import ClassVar

# What libraries raise over bytes that make no sense, besides their own errors.
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)


class PipelineError(Exception):
    """Anything the pipeline says on purpose; `str()` holds the value and the limit, for engineers."""

    reason: ClassVar[str] = "unknown"
    advice: ClassVar[str] = ""


class MediaRejected(PipelineError):
    """The file can never be processed; trying again is of no use. `advice` is one sentence for the technician."""


class Empty(MediaRejected):
    reason = "empty"
    advice = "The file is empty. Film or photograph again and send the new file."


class UnknownType(MediaRejected):
    reason = "unknown-type"
    advice = "This type of file cannot be shown to a customer. Send a film, a photo or a PDF."


class Unreadable(MediaRejected):
    reason = "unreadable"
    advice = "The file cannot be read. Open it on the phone; if it does not open there, make it again."


class Truncated(MediaRejected):
    reason = "truncated"
    advice = "The end of the file is missing. Wait until the phone has saved it, then send it again."


class Encrypted(MediaRejected):
    reason = "encrypted"
    advice = "The file is protected. Send one without a password or copy protection."


class NoPicture(MediaRejected):
    reason = "no-picture"
    advice = "There is only sound in this file. Send a film with a picture."


class UnsupportedCodec(MediaRejected):
    reason = "unsupported-codec"
    advice = "This film was recorded in a form we cannot read. Film with the phone's own camera app."


class TooLong(MediaRejected):
    reason = "too-long"
    advice = "The film is too long. Send it in shorter pieces."


class TooManyPixels(MediaRejected):
    reason = "too-many-pixels"
    advice = "The picture is too large. Send it in a smaller size."


class TooManyStreams(MediaRejected):
    reason = "too-many-streams"
    advice = "The file holds too many tracks. Film with the phone's own camera app."


class TooManyPages(MediaRejected):
    reason = "too-many-pages"
    advice = "The document has too many pages. Send only those that the customer needs."


class BrokenTimeline(MediaRejected):
    reason = "broken-timeline"
    advice = "The times in this film make no sense. Film again, or export it once from the phone's photo app."


class Damaged(MediaRejected):
    reason = "damaged"
    advice = "Too much of the file is damaged. Film or photograph again and send the new file."


class PipelineFailed(PipelineError):
    """Our own fault: the file may be good. Retried up to the limit, then shown as `failed`."""

    advice = "Something went wrong on our side. We have been told; your file is safe."


class EngineFailed(PipelineFailed):
    """An engine stopped; the message holds its last log line."""

    reason = "engine-failed"


class ProofFailed(PipelineFailed):
    """What was made is not what was decided; it is not published."""

    reason = "proof-failed"


class LimitExceeded(PipelineFailed):
    """A child used more time or memory than its limit, or stopped making progress."""

    reason = "limit-exceeded"


class PlanOutdated(PipelineFailed):
    """What was measured and decided was written by other code, which ours cannot read: it is to be measured again."""

    reason = "plan-outdated"


class SandboxUnavailable(PipelineFailed):
    """Neither bubblewrap nor Landlock works here, and the settings do not allow going without."""

    reason = "sandbox-unavailable"


class WorkerLost(PipelineFailed):
    """Every worker that tried it disappeared without a word."""

    reason = "worker-lost"
