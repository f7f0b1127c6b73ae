-- name: settings
-- With WAL, NORMAL loses nothing when the process dies; after a power cut the newest candles may be
-- missing, and are fetched again.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;

-- name: insert
INSERT INTO candles (timeframe, pair, time, open, high, low, close, volume, vwap, trades)
VALUES (:timeframe, :pair, :time, :open, :high, :low, :close, :volume, :vwap, :trades)
ON CONFLICT (timeframe, pair, time) DO NOTHING;

-- name: correct
UPDATE candles
SET open = :open, high = :high, low = :low, close = :close, volume = :volume, vwap = :vwap, trades = :trades,
    corrections = corrections + 1
WHERE timeframe = :timeframe AND pair = :pair AND time = :time
  AND trades <= :trades AND volume <= :volume
  AND (open, high, low, close, volume, vwap, trades) <> (:open, :high, :low, :close, :volume, :vwap, :trades);

-- name: refuse
UPDATE candles
SET refusals = refusals + 1
WHERE timeframe = :timeframe AND pair = :pair AND time = :time
  AND (open, high, low, close, volume, vwap, trades) <> (:open, :high, :low, :close, :volume, :vwap, :trades);

-- name: read
SELECT pair, time, open, high, low, close, volume, vwap, trades
FROM candles
WHERE timeframe = :timeframe AND pair = :pair AND time >= :start AND time < :end
ORDER BY time DESC
LIMIT :limit;

-- name: read_many
-- The inner query steps back through the key to the oldest candle wanted of each pair.
SELECT candles.pair, candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume,
       candles.vwap, candles.trades
FROM (
    SELECT wanted.pair, (
        SELECT time
        FROM candles
        WHERE timeframe = :timeframe AND pair = wanted.pair
        ORDER BY time DESC
        LIMIT 1 OFFSET :lookback - 1
    ) AS oldest
    FROM (SELECT DISTINCT value AS pair FROM json_each(:pairs)) AS wanted
) AS span
JOIN candles ON candles.timeframe = :timeframe AND candles.pair = span.pair
            AND candles.time >= ifnull(span.oldest, :beginning);

-- name: last_time
SELECT max(time) FROM candles WHERE timeframe = :timeframe AND pair = :pair;
