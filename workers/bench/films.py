"""The films that are measured: of the collection where it is there, else drawn; others are made of them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline import engine
from workers.demo import film as demo
from workers.demo import papers

WALKAROUND = "synthetic/s01_walkaround_1080p30_hevc_portrait_40s.mov"
HLG = "synthetic/s02_hlg_main10_portrait_15s.mov"

# A phone's H.264 at 1080p30: 17 Mbit/s, about 130 MB a minute.
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-b:v", "17M", "-maxrate", "20M", "-bufsize", "17M", "-g", "30")
# A phone's 4K60 at about 50 Mbit/s: enlarged, every frame twice with noise of its own. H.264, because drawing one
# second of it in HEVC takes half a minute.
_4K60 = ("-vf", "fps=60,scale=2*iw:2*ih:flags=bicubic,noise=alls=2:allf=t", "-b:v", "50M", "-g", "60")
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-maxrate", "60M", "-bufsize", "50M")
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "log-level=error")
_AS_HLG = (
    # A drawn film may be untagged, and zscale finds no way from nothing.
    "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
    "zscale=transfer=linear:npl=203,format=gbrpf32le,"
    "zscale=primaries=bt2020:transfer=arib-std-b67:matrix=bt2020nc:range=tv:npl=203,format=yuv420p10le"
)


@dataclass(frozen=True)
class Films:
    """Paths of films by name, made when first asked for: `hevc` and `h264` (1080p30), `4k60` (3 s), `hlg`.

    `media` is the collection's folder, or None; `folder` keeps what is made.
    """

    folder: Path
    media: Path | None = None

    def __call__(self, name: str, seconds: float | None = None) -> Path:
        """The film, or its first `seconds`."""
        match name:
            case "hevc":
                return self._cut(self._hevc(), name, seconds)
            case "hlg":
                return self._cut(self._hlg(), name, seconds)
            case "h264":
                # As a phone stores it: lying on its side, with its turn.
                lying = ("-noautorotate", "-i", str(self("hevc", seconds)))
                return self._made(f"{name}-{seconds or 'all'}", lying, _H264)
            case "4k60":
                return self._made(f"{name}-{seconds or 3}", ("-i", str(self("hevc", seconds or 3))), (*_4K60, *_X264))
        raise KeyError(name)

    def logo(self) -> Path:
        """The dealer's logo that is laid over everything of ours."""
        path = self.folder / "logo.png"
        if not path.exists():
            papers.logo(path)
        return path

    def _hevc(self) -> Path:
        if self.media is not None and (found := self.media / WALKAROUND).exists():
            return found
        drawn = self.folder / "drawn.mov"
        if not drawn.exists():
            demo.draw(drawn)
        return self._made("hevc", ("-noautorotate", "-i", str(drawn)), ("-b:v", "7M", "-g", "30", *_X265))

    def _hlg(self) -> Path:
        if self.media is not None and (found := self.media / HLG).exists():
            return found
        given = ("-noautorotate", "-i", str(self("hevc", 8)))
        return self._made("hlg", given, ("-vf", _AS_HLG, "-b:v", "12M", "-g", "30", *_X265))

    def _cut(self, path: Path, name: str, seconds: float | None) -> Path:
        if seconds is None:
            return path
        return self._made(f"{name}-{seconds:g}s", ("-i", str(path)), ("-c", "copy", "-t", f"{seconds:g}"))

    def _made(self, name: str, given: tuple[str, ...], how: tuple[str, ...]) -> Path:
        path = self.folder / f"{name}.mov"
        if not path.exists():
            asked = ("-map", "0:v:0", "-map", "0:a:0?", *(() if "copy" in how else ("-c:a", "copy")), *how)
            command = [engine.executable(), "-v", "error", "-nostdin", "-y", *given, *asked, str(path)]
            subprocess.run(command, check=True)
        return path
