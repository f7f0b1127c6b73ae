-- The strategies an order is for, a JSON list; empty in orders of versions that knew one strategy an order.
ALTER TABLE execution_orders ADD COLUMN shares TEXT NOT NULL DEFAULT '[]';

-- The highest price since a strategy opened what it holds of a pair, for trailing stops.
CREATE TABLE share_marks (
    pair        TEXT NOT NULL,
    strategy_id TEXT NOT NULL,
    opened_at   INTEGER NOT NULL,
    highest     TEXT NOT NULL,
    PRIMARY KEY (pair, strategy_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX decisions_by_time ON decisions (time);
