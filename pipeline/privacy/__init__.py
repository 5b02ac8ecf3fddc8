"""What may remain in a file that a customer sees: the picture and the sound, and nothing about who made them.

`collect` remembers what a source says about people, places, devices and dates; `search` looks for it in what was made;
`structure` holds what was made against lists of what such a file may contain at all. The first two catch what somebody
copied, the third catches what nobody thought of. Removal itself happens where things are made, from pixels and samples.
"""

from pipeline.privacy.collect import collect
from pipeline.privacy.images import bare_jp2, bare_jpeg
from pipeline.privacy.search import Trace, search
from pipeline.privacy.structure import structure

__all__ = ["Trace", "bare_jp2", "bare_jpeg", "collect", "search", "structure"]
