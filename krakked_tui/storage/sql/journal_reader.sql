-- name: settings
PRAGMA query_only = ON;

-- name: begin
BEGIN;

-- name: load_entries_of
SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance
FROM ledger_entries
WHERE refid = :refid
ORDER BY time, seq
LIMIT :most;
