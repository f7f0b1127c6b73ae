-- name: schema_version
PRAGMA user_version;

-- name: check
PRAGMA quick_check(1);

-- name: begin
BEGIN IMMEDIATE;
