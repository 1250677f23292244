import gzip
import itertools
import math

import pytest

from bench import registry
from bench.cells import CellStore, cell_key, shipped_scores
from bench.errors import BenchError
from bench.scores import score_table, write_csv


def test_keys_differ_in_every_part_and_are_stable():
    keys = {cell_key(*parts) for parts in itertools.product(("a", "b"), repeat=4)}
    assert len(keys) == 16
    assert cell_key("a", "b", "c", "d") == cell_key("a", "b", "c", "d")


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


def shipped(path):
    """A table of two scores that say what they depend on, one that does not and one that is missing."""
    row = {
        "method_digest": "one",
        "picture_digest": "p",
        "metric_digest": "m",
        "scoring_digest": "s",
        "value": 0.1 + 0.2,
    }
    rows = [row | {"seconds": 1e-9}, row | {"method_digest": "two", "value": -3.5}]
    rows += [row | {"method_digest": ""}, row | {"method_digest": "three", "value": None, "error": "no, sorry"}]
    write_csv(score_table(rows), path)
    return path


def test_shipped_scores_are_found_behind_ones_own_and_counted(tmp_path):
    table = shipped(tmp_path / "scores.csv.gz")
    store = CellStore(tmp_path / "cells.db", shipped=table)
    one, two, three = (cell_key(name, "p", "m", "s") for name in ("one", "two", "three"))
    assert store.get(two)[0] == -3.5 and store.get(three) is None and store.taken == 1
    value, seconds = store.get(one)
    assert value == 0.1 + 0.2 and math.isnan(seconds), "another machine's are nobody's here"
    assert store.taken == 2 and len(store.shipped) == 2
    store.put({one: (5.0, 6.0)})
    assert store.get(one) == (5.0, 6.0) and store.taken == 2
    assert CellStore(tmp_path / "cells.db").get(two) is None
    assert CellStore(tmp_path / "cells.db", shipped=tmp_path / "none.csv.gz").shipped == {}


def test_a_compressed_table_has_the_same_bytes_whenever_it_is_written(tmp_path):
    first = shipped(tmp_path / "a.csv.gz").read_bytes()
    assert first == shipped(tmp_path / "b.csv.gz").read_bytes() and first[:2] == b"\x1f\x8b"


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b"no gzip", lambda b: gzip.compress(b"a,b\n1,2\n")])
def test_a_damaged_table_of_shipped_scores_is_named(tmp_path, damage):
    table = shipped(tmp_path / "scores.csv.gz")
    table.write_bytes(damage(table.read_bytes()))
    with pytest.raises(BenchError, match=f"{table} is not a compressed score table"):
        shipped_scores(table)


def test_what_reads_and_scores_pictures_counts():
    found = registry._sources("bench.jobs", found={}, packages=("bench",), root="bench")
    assert {"bench.jobs", "bench.images", "bench.metrics", "bench.diagnostics", "bench.loe", "bench.fidelity"} <= set(
        found
    )
    assert not {"bench.cells", "bench.evaluation", "bench.scores"} & set(found)
