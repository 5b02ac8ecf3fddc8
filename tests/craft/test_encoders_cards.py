"""A graphics card encodes where a preset asks for it and one is there. Else x264 does, and a line says so."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from painting import paint
from structlog.testing import capture_logs

from pipeline import encoders, presets
from pipeline.errors import EngineFailed, LimitExceeded, MediaRejected, SandboxUnavailable
from pipeline.presets import Encoder
from workers import child, hardware, process, sandbox
from workers.sandbox import choice
from workers.sandbox.bubblewrap import Bubblewrap
from workers.sandbox.landlock import Landlock

bare = pytest.mark.skipif(
    any(Path("/dev").glob("nvidia*")) or any(Path("/dev").glob("dri/render*")), reason="a card is in this machine"
)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("film") / "film.mp4", seconds=1, size=(160, 120), audio=False)


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The workshop's preset asks for whatever card there is."""
    workshop = presets.load("workshop")
    wanting = replace(workshop, picture=replace(workshop.picture, encoder=Encoder.AUTO))
    monkeypatch.setattr(presets, "load", lambda name: wanting)
    remembered = (hardware._found, presets.recipe)
    for one in remembered:
        one.cache_clear()
    yield
    for one in remembered:
        one.cache_clear()


def made(film: Path, out: Path) -> dict[str, bytes]:
    process.process(film, lambda kind: out, process.Order("workshop"))
    return {path.name: path.read_bytes() for path in (out / "chunk/0000").iterdir()}


@bare
@pytest.mark.parametrize(
    ("card", "words"),
    [(Encoder.NVENC, "libcuda"), (Encoder.QSV, "MFX session"), (Encoder.VAAPI, "renderD")],
)
def test_a_card_that_is_not_there_is_named_as_the_cause(card: Encoder, words: str) -> None:
    # The engine took every option before it looked for the card.
    with pytest.raises(EngineFailed, match=words):
        encoders.attempt(card)


@bare
def test_without_a_card_x264_makes_the_film_and_one_line_says_why(film: Path, tmp_path: Path, asking: None) -> None:
    with capture_logs() as said:
        films = [made(film, tmp_path / name) for name in ("one", "two")]

    assert [(line["event"], line["log_level"]) for line in said] == [("encoder.missing", "warning")]
    assert "libcuda" in said[0]["nvenc"]
    assert {"qsv", "vaapi"} < set(said[0])
    assert films[0] == films[1]


@bare
def test_a_film_that_its_card_cannot_encode_is_made_again_by_x264(
    film: Path, tmp_path: Path, asking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = made(film, tmp_path / "usual")
    monkeypatch.setattr(hardware, "_found", lambda asked: Encoder.NVENC)

    with capture_logs() as said:
        again = made(film, tmp_path / "again")

    assert [(line["event"], line["encoder"]) for line in said] == [("encoder.failed", "nvenc")]
    assert again == usual


def test_a_workshops_film_tries_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_try", lambda one: pytest.fail(f"{one} was tried"))

    assert hardware.choose("workshop") is Encoder.X264
    assert hardware.choose("archive") is Encoder.X264


@pytest.mark.parametrize(
    ("working", "chosen"),
    [((), "x264"), (("vaapi",), "vaapi"), (("qsv", "vaapi"), "qsv"), (("nvenc", "vaapi"), "nvenc")],
)
def test_the_first_card_that_works_is_taken_and_tried_once(
    asking: None, monkeypatch: pytest.MonkeyPatch, working: tuple[str, ...], chosen: str
) -> None:
    tried = []

    def attempt(one: Encoder) -> None:
        tried.append(one)
        if one not in working:
            raise EngineFailed("no such card")

    monkeypatch.setattr(hardware, "_try", attempt)

    assert [hardware.choose("workshop"), hardware.choose("workshop")] == [chosen, chosen]
    assert len(tried) == len(set(tried))


def test_a_sandbox_that_is_down_says_nothing_about_the_card(asking: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(one: Encoder) -> None:
        raise SandboxUnavailable("for now")

    monkeypatch.setattr(hardware, "_try", attempt)
    with pytest.raises(SandboxUnavailable):
        hardware.choose("workshop")

    monkeypatch.setattr(hardware, "_try", lambda one: None)
    assert hardware.choose("workshop") is Encoder.NVENC


def test_a_plan_holds_its_encoder_and_another_encoder_is_another_recipe() -> None:
    measured = {"recipe": "workshop-1", "plan": {"preset": "workshop", "recipe": "workshop-1", "film": {"crf": 23}}}

    by_card = hardware.planned(measured, Encoder.NVENC)
    again = hardware.instead(by_card, EngineFailed("the card is gone"))

    assert again is not None
    assert [hardware.encoder(one["plan"]) for one in (measured, by_card, again)] == ["x264", "nvenc", "x264"]
    assert len({one["recipe"] for one in (measured, by_card, again)}) == 3
    assert again["recipe"] == again["plan"]["recipe"] == presets.recipe("workshop")
    assert hardware.instead(again, EngineFailed("not the card's fault")) is None
    assert hardware.instead(by_card, LimitExceeded("the card hangs")) is not None
    for other in (MediaRejected("a broken film"), SandboxUnavailable("for now"), OSError("disk full")):
        assert hardware.instead(by_card, other) is None


@pytest.mark.parametrize("plan", [None, {"photo": {}, "film": None, "preset": "workshop"}])
def test_what_is_no_film_has_no_encoder(plan: dict[str, object] | None, asking: None) -> None:
    measured = {"recipe": "workshop-1", "plan": plan}

    assert hardware.decided(measured, "workshop") == measured
    assert hardware.limits(plan, "sizes") is None


def test_only_a_chunk_made_by_a_card_gets_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Path("/dev/null")
    monkeypatch.setattr(hardware, "_devices", lambda which: (card,))
    plan = {"preset": "workshop", "film": {"encoder": "nvenc"}}

    usual = sandbox.Limits(timeout_s=7)

    given = hardware.limits(plan, "chunk/0001", usual)
    assert given is not None
    assert (given.devices, given.timeout_s, given.memory_bytes) == ((card,), 7, usual.memory_bytes)
    assert hardware.limits(plan, "poster", usual) is usual
    assert hardware.limits({**plan, "film": {"encoder": "x264"}}, "chunk/0001", usual) is usual


@pytest.mark.parametrize(("film_s", "allowed_s"), [(4.0, 1800), (30.0, 1800), (1800.0, 72_000)])
def test_the_one_chunk_of_a_long_film_may_take_longer(film_s: float, allowed_s: float) -> None:
    plan = {"outputs": [{"name": "chunk/0000", "weight": film_s}, {"name": "preview", "weight": 0.5}]}

    given = hardware.limits(plan, "chunk/0000") or sandbox.Limits()
    assert given.timeout_s == allowed_s
    assert hardware.limits(plan, "preview") is None


def test_an_encoder_nobody_knows_is_a_fault_of_the_preset() -> None:
    with pytest.raises(presets.PresetInvalid, match=r"picture\.encoder"):
        presets.read('like = "workshop"\n[picture]\nencoder = "h264_nvenc"\n', "wrong")


@pytest.fixture
def cards() -> Iterator[list[Path]]:
    """Two device nodes that only root and a group may open, as graphics cards are; they read as zeros."""
    nodes = [Path(f"/dev/walkaround-{os.getpid()}-{number}") for number in range(2)]
    try:
        for node in nodes:
            os.mknod(node, stat.S_IFCHR, os.makedev(1, 5))
            os.chown(node, 0, 4242)
            node.chmod(0o660)
        yield nodes
    except PermissionError:
        pytest.skip("only root makes device nodes")
    finally:
        for node in nodes:
            node.unlink(missing_ok=True)


@pytest.mark.parametrize("layer", [Bubblewrap, Landlock])
def test_a_child_opens_the_devices_it_was_given_and_no_other(
    cards: list[Path], layer: type[Bubblewrap] | type[Landlock]
) -> None:
    text = (
        "import json\n"
        "def held(path):\n"
        "    try:\n"
        "        with open(path, 'r+b', buffering=0) as device: return device.read(3).hex()\n"
        "    except OSError as error: return type(error).__name__\n"
        f"print(json.dumps({{'result': {{'seen': [held(path) for path in {[str(card) for card in cards]}]}}}}))\n"
    )
    given = sandbox.Limits(devices=(cards[0],))
    try:
        choice.attempt(layer())
    except SandboxUnavailable as error:
        pytest.skip(f"not on this machine: {error}")

    seen = [
        child.run({}, inputs={}, limits=limits, layer=layer(), program=("-c", text))["result"]["seen"]
        for limits in (given, sandbox.Limits())
    ]

    assert seen[0][0] == "000000"
    assert {seen[0][1], *seen[1]} <= {"FileNotFoundError", "PermissionError"}
