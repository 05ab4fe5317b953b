"""The tables of the journal of one account on one device; times are in Unix seconds."""

from __future__ import annotations

_FIRST = """
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    mark REAL NOT NULL,
    offset REAL NOT NULL
) STRICT;

INSERT INTO clock VALUES (1, 0, 0);

CREATE TABLE lease (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    seq INTEGER NOT NULL,
    -- NULL: no limit
    trim INTEGER CHECK (trim >= 0),
    hook_run INTEGER CHECK (hook_run >= 0),
    -- open: may be spent on. closing: nothing more is spent on it, its rest is on the way back to the server.
    -- retired: replaced while jobs ran on it. lost: its journal was damaged or restored. closed: done with.
    state TEXT NOT NULL CHECK (state IN ('open', 'closing', 'retired', 'lost', 'closed')),
    receipt_counter INTEGER NOT NULL DEFAULT 0 CHECK (receipt_counter >= 0),
    receipt_trim INTEGER NOT NULL DEFAULT 0,
    receipt_hook_run INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX one_open_lease ON lease (state) WHERE state = 'open';

CREATE TABLE entry (
    spend_id TEXT PRIMARY KEY,
    lease_id TEXT NOT NULL REFERENCES lease (id),
    meter TEXT NOT NULL CHECK (meter IN ('trim', 'hook_run')),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'committed', 'delivered', 'reported', 'rejected')),
    owner TEXT NOT NULL,
    job TEXT,
    reserved_at REAL NOT NULL,
    -- Where the clip is and where it belongs; only while it is on its way.
    temporary TEXT,
    final TEXT,
    -- The place in the lease's chain, taken on delivery so that the chain has no holes.
    counter INTEGER CHECK (counter >= 1),
    at TEXT,
    prev_hash TEXT CHECK (length(prev_hash) = 64),
    hash TEXT CHECK (length(hash) = 64),
    reason TEXT,
    UNIQUE (lease_id, counter),
    UNIQUE (lease_id, prev_hash),
    CHECK ((temporary IS NULL) = (final IS NULL)),
    CHECK ((state IN ('delivered', 'reported', 'rejected'))
           = (counter IS NOT NULL AND at IS NOT NULL AND prev_hash IS NOT NULL AND hash IS NOT NULL))
) STRICT;

-- The last line of defence: no lease is ever spent beyond what it grants.
CREATE TRIGGER within_the_grant BEFORE INSERT ON entry
BEGIN
    SELECT RAISE(ABORT, 'beyond the grant') FROM lease
    WHERE id = NEW.lease_id
      AND (state <> 'open'
           OR (SELECT count(*) FROM entry WHERE lease_id = NEW.lease_id AND meter = NEW.meter)
              >= CASE NEW.meter WHEN 'trim' THEN trim ELSE hook_run END);
END;

-- A lease that was asked for and not answered yet: asking again is answered with the same bytes.
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    wants TEXT NOT NULL
) STRICT;

PRAGMA user_version = 1;
"""

_FAILURES = """
-- Work that failed and that the server was not told of yet; it costs nothing.
CREATE TABLE failure (
    spend_id TEXT PRIMARY KEY,
    lease_id TEXT NOT NULL REFERENCES lease (id),
    meter TEXT NOT NULL CHECK (meter IN ('trim', 'hook_run')),
    at TEXT NOT NULL,
    job TEXT NOT NULL
) STRICT;

PRAGMA user_version = 2;
"""

STEPS = (_FIRST, _FAILURES)
"""Each leads to the version that it is the number of; journals of earlier versions go on from theirs."""
VERSION = len(STEPS)
