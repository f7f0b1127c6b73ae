-- The tail keeps what is newer than the partitions. Its rows lie by time and then pair, so that one
-- closed minute of all pairs is written side by side, and old rows leave in whole pages.
ALTER TABLE candles RENAME TO candles_by_pair;

-- Numbers are kept multiplied so that they are whole where they can be, which takes half the room: a
-- price divided by price_scale, and the volume divided by volume_scale, give exactly the candle's float.
CREATE TABLE bars (
    timeframe    TEXT NOT NULL,
    time         INTEGER NOT NULL,
    pair         TEXT NOT NULL,
    price_scale  REAL NOT NULL,
    open         REAL NOT NULL,
    high         REAL NOT NULL,
    low          REAL NOT NULL,
    close        REAL NOT NULL,
    vwap         REAL NOT NULL,
    volume_scale REAL NOT NULL,
    volume       REAL NOT NULL,
    trades       INTEGER NOT NULL,
    -- The generation the row was written in; a compaction moves rows of earlier generations only.
    generation   INTEGER NOT NULL,
    PRIMARY KEY (timeframe, time, pair)
) STRICT, WITHOUT ROWID;

CREATE VIEW candles AS
SELECT timeframe, pair, time, open / price_scale AS open, high / price_scale AS high,
       low / price_scale AS low, close / price_scale AS close, volume / volume_scale AS volume,
       vwap / price_scale AS vwap, trades, generation
FROM bars;

INSERT INTO bars
SELECT timeframe, time, pair, 1, open, high, low, close, vwap, 1, volume, trades, 0
FROM candles_by_pair
ORDER BY timeframe, time, pair;

-- One row: the generation rows are written in, and how many rows came late, taken or refused.
CREATE TABLE tail (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    corrected  INTEGER NOT NULL,
    refused    INTEGER NOT NULL
) STRICT;

INSERT INTO tail
SELECT 1, 0, coalesce(sum(corrections), 0), coalesce(sum(refusals), 0) FROM candles_by_pair;

DROP TABLE candles_by_pair;

-- Compactions under way: rows before the cut, of this generation or earlier, go into partitions.
-- pending: the pairs not sealed yet, as JSON; NULL until they are listed. kept: the pairs whose
-- partition cannot be written, so that their rows stay.
CREATE TABLE sealing (
    timeframe  TEXT PRIMARY KEY,
    cut        INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pending    TEXT,
    kept       TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;
