"""What a stage prints, and where it may write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from project import environment

from lazyadv.models import ParamsError
from lazyadv.workflow.sources import ROOT

sys.path.insert(0, str(ROOT / "stages"))


def stage(body: str, stdout: int = subprocess.PIPE, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a stage with this body."""
    script = f"from lazyadv.workflow import command\ndef main() -> None:\n    {body}\ncommand.run(main)"
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, cwd=ROOT, env={**environment(), **variables}, stdout=stdout, stderr=subprocess.PIPE, check=False
    )


def test_a_locale_that_lacks_a_letter_stops_no_stage() -> None:
    done = stage("print('ε½ −'); command.parser('ε').parse_args(['-h'])", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"\\u03b5\xbd \\u2212\n")


@pytest.mark.parametrize("end", ["pass", "raise SystemExit"])
def test_whoever_stops_reading_hears_no_complaint(end: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = stage(f"print('x' * 100); {end}", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_error_without_a_message_is_named() -> None:
    assert stage("raise MemoryError").stderr == b"-c: MemoryError\n"


def test_train_replaces_nothing_but_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import train

    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("full").symlink_to("/dev/full")
    for out in ("pipe", "full", "/dev/null", "/dev/stdout", "."):
        for words in (["--out", out], ["--out", "x.json", "--network", out]):
            monkeypatch.setattr(sys, "argv", ["train.py", "standard", *words])
            with pytest.raises(ParamsError, match=f"flags: {out} is a .*name a file"):
                train.main()
    for other in ("x.json", "./x.json", str(tmp_path / "x.json")):
        monkeypatch.setattr(sys, "argv", ["train.py", "standard", "--out", "x.json", "--network", other])
        with pytest.raises(ParamsError, match="--out and --network name the same file"):
            train.main()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "pipe"]


@pytest.mark.parametrize("device", ["meta", "hpu", "xla", "opengl", "cpu $(touch x)", ""])
def test_a_device_that_cannot_compute_is_refused(device: str) -> None:
    import train

    with pytest.raises(ParamsError, match=r"flags: device: .* cannot be used: .") as error:
        train.require_device(device)
    assert "\n" not in str(error.value)
