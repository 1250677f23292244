import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_damaged_files_end_in_a_photograph_or_a_sentence(tmp_path):
    command = [sys.executable, ROOT / "benchmarks/fuzz_photographs.py", "--count", "400", "--seed", "1"]
    done = subprocess.run(
        [*command, "--scratch", tmp_path / "f"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    told = json.loads(done.stdout)
    assert told["findings"] == []
    assert sum(count for outcome, count in told.items() if outcome.startswith(("read", "refused"))) == 400
    assert told["read"] > 30
