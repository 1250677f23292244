"""The votes of a study as a frame, whichever way they came in: one row a vote that was not undone.

Columns: observer (label), position, kind (pair, repeat, catch), image, left, right (methods; DEGRADED for a spoilt
copy), choice (left, right, tie), milliseconds, first (of a repeat: the position of the first showing, else NaN).
"""

import pandas as pd

from study.store import Store

COLUMNS = ("observer", "position", "kind", "image", "left", "right", "choice", "milliseconds", "first")
DEGRADED = ""
"""No method has this name."""
QUERY = """
SELECT observers.label AS observer, trials.position, trials.kind, images.name AS image,
       coalesce(lm.name, '') AS left, coalesce(rm.name, '') AS right, votes.choice, votes.milliseconds, trials.first
FROM votes
JOIN trials ON trials.token = votes.trial JOIN observers ON observers.id = votes.observer
JOIN images ON images.id = trials.image
JOIN pictures AS lp ON lp.token = trials.left_picture JOIN pictures AS rp ON rp.token = trials.right_picture
LEFT JOIN methods AS lm ON lm.id = lp.method LEFT JOIN methods AS rm ON rm.id = rp.method
WHERE votes.undone IS NULL ORDER BY observers.id, trials.position
"""


def votes_of(store: Store) -> pd.DataFrame:
    """Every vote that counts."""
    frame = pd.DataFrame([tuple(row) for row in store.rows(QUERY)], columns=list(COLUMNS))
    return frame.astype({"position": int, "milliseconds": int, "first": float})
