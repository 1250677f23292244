import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parents[1] / "../shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of photographs and reference values beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared")
    return SHARED


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current directory, and nothing said by the environment."""
    for name in ("BENCH_DATA", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def mlflow_tables(tmp_path_factory):
    """A fresh MLflow database: its seconds of migrations are spent once, tests take copies."""
    with warnings.catch_warnings():
        # MLflow declares its tables with a loader strategy that sqlalchemy 2.1 deprecates, on import and only then.
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
        from mlflow.store.tracking import sqlalchemy_store

    folder = tmp_path_factory.mktemp("mlflow")
    sqlalchemy_store.SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", folder.as_uri())
    return folder / "mlflow.db"


@pytest.fixture
def store(workplace, mlflow_tables, monkeypatch):
    """The URI of a real MLflow store below the current directory.

    Absolute, since MLflow keeps one engine an URI, and `sqlite:///runs/mlflow.db` is another file in every test.
    """
    database = workplace / "runs" / "mlflow.db"
    database.parent.mkdir()
    shutil.copy(mlflow_tables, database)
    uri = f"sqlite:///{database}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


@pytest.fixture
def narrow(monkeypatch):
    """EnlightenGAN's networks with an eighth of their channels: a training state has 6 MB instead of 355."""
    monkeypatch.setattr("enlightengan.networks.WIDTHS", (4, 8, 16, 32, 64))
    monkeypatch.setattr("enlightengan.discriminators.FIRST", 8)
    monkeypatch.setattr("enlightengan.discriminators.WIDEST", 64)


@pytest.fixture(scope="session")
def demo_photographs(tmp_path_factory):
    """The folder of the demo dataset, written once."""
    from bench.demo import write_demo

    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


def _photograph(path, *, seed=0, size=(24, 32), low=0, high=256):
    pixels = np.random.default_rng(seed).integers(low, high, (*size, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture(scope="session")
def photograph():
    """Writes noise of size (H, W) as an 8-bit picture to a path and gives its pixels."""
    return _photograph
