import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORACLE = ROOT.parent / "shared" / "oracles" / "enlightengan_step"


def parity(prefix):
    command = [sys.executable, str(ROOT / "benchmarks" / "parity.py"), str(prefix)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not ORACLE.with_suffix(".npz").exists(), reason="the oracle is not here")
def test_three_training_steps_equal_the_authors(tmp_path):
    done = parity(ORACLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equals the oracle" in done.stdout and done.stdout.count(" ok") == 32


@pytest.mark.skipif(not ORACLE.with_suffix(".npz").exists(), reason="the oracle is not here")
def test_a_wrong_loss_is_noticed(tmp_path):
    shutil.copy(ORACLE.with_suffix(".npz"), tmp_path / "o.npz")
    text = ORACLE.with_suffix(".json").read_text().replace("1.3561390842881764", "1.3562")
    (tmp_path / "o.json").write_text(text)
    done = parity(tmp_path / "o")
    assert done.returncode == 1 and "step 0 generator_adversarial" in done.stdout and "FAILS" in done.stdout


def test_no_oracle_is_a_sentence(tmp_path):
    done = parity(tmp_path / "none")
    assert done.returncode == 1 and "No oracle" in done.stderr and "Traceback" not in done.stderr
