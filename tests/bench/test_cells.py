import itertools

import pytest

from bench.cells import CellStore, cell_key
from bench.errors import BenchError


def test_keys_differ_in_every_part_and_are_stable():
    keys = {cell_key(*parts) for parts in itertools.product(("a", "b"), repeat=3)}
    assert len(keys) == 8
    assert cell_key("a", "b", "c") == cell_key("a", "b", "c")


def test_what_was_put_is_found_to_the_last_digit(tmp_path):
    store = CellStore(tmp_path / "cells.db")
    assert store.get("k") is None
    store.put({"k": (0.1 + 0.2, 1e-9), "other": (-3.5, 2.0)})
    assert store.get("k") == (0.1 + 0.2, 1e-9)
    assert store.get("other") == (-3.5, 2.0)


def test_a_second_connection_sees_and_replaces_it(tmp_path):
    path = tmp_path / "new" / "cells.db"
    first, second = CellStore(path), CellStore(path)
    first.put({"k": (1.0, 2.0)})
    assert second.get("k") == (1.0, 2.0)
    second.put({"k": (3.0, 4.0)})
    assert first.get("k") == (3.0, 4.0)


def test_all_or_none_is_kept(tmp_path):
    store = CellStore(tmp_path / "cells.db")
    with pytest.raises(Exception, match="object"):
        store.put({"good": (1.0, 2.0), "bad": (object(), 2.0)})
    assert store.get("good") is None


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "cells.db"
    path.write_text("this is not a database, and it is long enough to be told from one" * 20)
    with pytest.raises(BenchError, match=f"Cannot use {path}.*Delete it"):
        CellStore(path)
