-- name: settings
PRAGMA query_only = ON;

-- name: begin
BEGIN;

-- name: load_entries_of
SELECT entry_id, refid, time, type, subtype, asset, amount, fee, balance
FROM ledger_entries
WHERE refid = :event
   OR entry_id = :event
   OR refid IN (SELECT refid FROM ledger_entries WHERE entry_id = :event AND refid <> '')
ORDER BY time, seq
LIMIT :most;
