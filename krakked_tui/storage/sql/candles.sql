-- name: settings
-- FULL: an append that was acknowledged survives a power cut too.
-- Small pages: an append changes few but their edges. A file that exists keeps the size it has.
PRAGMA page_size = 2048;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 8000;
-- Removed rows are no secret: their pages need not be overwritten.
PRAGMA secure_delete = OFF;
PRAGMA journal_size_limit = 33554432;

-- name: version
PRAGMA user_version;

-- name: put
INSERT OR REPLACE INTO bars
    (timeframe, time, pair, price_scale, open, high, low, close, vwap, volume_scale, volume, trades,
     generation)
VALUES
    (:timeframe, :time, :pair, :price_scale, :open, :high, :low, :close, :vwap, :volume_scale, :volume, :trades,
     (SELECT generation FROM tail));

-- name: count_late
UPDATE tail SET corrected = corrected + :corrected, refused = refused + :refused;

-- name: state
SELECT corrected, refused FROM tail;

-- name: pair_rows
-- Steps from time to time, newest first, and looks the pair up at each: the key has the time first.
WITH RECURSIVE steps (time) AS (
    SELECT max(time) FROM candles WHERE timeframe = :timeframe AND time >= :start AND time < :end
    UNION ALL
    SELECT (
        SELECT max(candles.time) FROM candles
        WHERE candles.timeframe = :timeframe AND candles.time >= :start AND candles.time < steps.time
    )
    FROM steps
    WHERE steps.time IS NOT NULL
)
SELECT candles.time, open, high, low, close, volume, vwap, trades
FROM steps CROSS JOIN candles
WHERE candles.timeframe = :timeframe AND candles.time = steps.time AND candles.pair = :pair
  AND candles.generation <= :generation
LIMIT :limit;

-- name: window
SELECT pair, time, open, high, low, close, volume, vwap, trades
FROM candles
WHERE timeframe = :timeframe AND time >= :start AND time < :end;

-- name: newest_by_pair
SELECT pair, max(time) FROM candles WHERE timeframe = :timeframe GROUP BY pair;

-- name: oldest
SELECT min(time) FROM candles WHERE timeframe = :timeframe;

-- name: newest
SELECT max(time) FROM candles WHERE timeframe = :timeframe;

-- name: next_generation
UPDATE tail SET generation = generation + 1;

-- name: begin_sealing
INSERT INTO sealing (timeframe, cut, generation)
SELECT :timeframe, :cut, generation FROM tail;

-- name: sealing
SELECT cut, generation, pending, kept FROM sealing WHERE timeframe = :timeframe;

-- name: pairs_to_seal
SELECT DISTINCT pair FROM candles
WHERE timeframe = :timeframe AND time < :cut AND generation <= :generation
ORDER BY pair;

-- name: save_sealing
UPDATE sealing SET pending = :pending, kept = :kept WHERE timeframe = :timeframe;

-- name: delete_sealed
DELETE FROM bars
WHERE timeframe = :timeframe AND time >= :start AND time < :end AND generation <= :generation
  AND pair NOT IN (SELECT value FROM json_each(:kept));

-- name: oldest_sealed
SELECT min(time) FROM candles
WHERE timeframe = :timeframe AND time < :cut AND generation <= :generation
  AND pair NOT IN (SELECT value FROM json_each(:kept));

-- name: time_after_rows
-- The time some rows on, so that a deletion takes whole times and few enough rows.
SELECT time FROM candles
WHERE timeframe = :timeframe AND time >= :start AND time < :cut
ORDER BY time LIMIT 1 OFFSET :rows;

-- name: end_sealing
DELETE FROM sealing WHERE timeframe = :timeframe;
