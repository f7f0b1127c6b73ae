-- Closed candles; time is the open time in microseconds since 1970 UTC. The key is the store's
-- invariant: one row per candle, read in ascending order.
CREATE TABLE candles (
    timeframe   TEXT NOT NULL,
    pair        TEXT NOT NULL,
    time        INTEGER NOT NULL,
    open        REAL NOT NULL,
    high        REAL NOT NULL,
    low         REAL NOT NULL,
    close       REAL NOT NULL,
    volume      REAL NOT NULL,
    vwap        REAL NOT NULL,
    trades      INTEGER NOT NULL,
    -- How often a later row for the same time replaced this one, and how often one was refused.
    corrections INTEGER NOT NULL DEFAULT 0,
    refusals    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (timeframe, pair, time)
) STRICT, WITHOUT ROWID;
