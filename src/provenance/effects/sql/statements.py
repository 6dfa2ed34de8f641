"""The statements of `provenance.effects.sql.queries` for SQLite, by `make statements`."""

VERSION = 1
QUARANTINE_BLOB = """\
INSERT OR REPLACE INTO quarantined_blobs (id, data, set_aside_at) VALUES (?, ?, ?)"""
LIST_QUARANTINED = """\
SELECT quarantined_blobs.id, length(quarantined_blobs.data) AS length_1, quarantined_blobs.set_aside_at
FROM quarantined_blobs
WHERE quarantined_blobs.id > ? ORDER BY quarantined_blobs.id
 LIMIT ? OFFSET ?"""
DELETE_QUARANTINED = """\
DELETE FROM quarantined_blobs WHERE quarantined_blobs.id = ? AND quarantined_blobs.set_aside_at < ?"""
FIND_SETS_CONTAINING = """\
SELECT artifact_set_members.set_id
FROM artifact_set_members
WHERE artifact_set_members.artifact_id = ? ORDER BY artifact_set_members.set_id"""
FIND_VALUE_HOLDERS = """\
SELECT artifact_inputs.artifact_id
FROM artifact_inputs JOIN artifacts ON artifacts.id = artifact_inputs.artifact_id
WHERE artifact_inputs.input_id = ? AND (CAST(artifacts.value_artifact_ids AS TEXT) LIKE '%' || ? || '%')"""
PUT_EVICTION = """\
INSERT OR REPLACE INTO evictions (artifact_id, evicted_at) VALUES (?, ?)"""
FIND_EVICTION = """\
SELECT evictions.evicted_at
FROM evictions
WHERE evictions.artifact_id = ?"""
DELETE_EVICTION = """\
DELETE FROM evictions WHERE evictions.artifact_id = ?"""
CLEAR_VALUE = """\
UPDATE artifacts SET value_data=NULL WHERE artifacts.id = ? AND artifacts.content_digest = ?"""
IS_BLOB_REFERENCED = """\
SELECT EXISTS (SELECT 1
FROM (SELECT terms.place AS place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place AS place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled)) AS found_term JOIN artifacts ON artifacts.place = found_term.place
WHERE artifacts.content_digest = ? OR artifacts.inputs_digest = ?) AS anon_1"""
FIND_REFERENCED = """\
SELECT json_extract(anon_1.value, '$[1]') AS json_extract_1
FROM json_each(?) AS anon_1
WHERE EXISTS (SELECT *
FROM artifacts
WHERE artifacts.place IN (SELECT terms.place
FROM terms
WHERE terms.term = json_extract(anon_1.value, '$[0]') UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled)) AND (artifacts.content_digest = json_extract(anon_1.value, '$[1]') OR artifacts.inputs_digest = json_extract(anon_1.value, '$[1]')))"""
IS_BLOB_NEEDED = """\
SELECT EXISTS (SELECT 1
FROM (SELECT terms.place AS place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place AS place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled)) AS found_term JOIN artifacts ON artifacts.place = found_term.place
WHERE artifacts.content_digest = ? AND NOT (EXISTS (SELECT *
FROM evictions
WHERE evictions.artifact_id = artifacts.id)) OR artifacts.inputs_digest = ?) AS anon_1"""
FIND_LEASE = """\
SELECT leases.expires_at - ((julianday('now') - 2440587.5) * 86400.0) AS anon_1, leases.owner, leases.fence
FROM leases
WHERE leases.artifact_id = ?"""
ACQUIRE_LEASE = """\
INSERT INTO leases (artifact_id, owner, fence, expires_at) VALUES (?, ?, ?, (((julianday('now') - 2440587.5) * 86400.0) + ?)) ON CONFLICT (artifact_id) DO UPDATE SET owner = excluded.owner, fence = (leases.fence + 1), expires_at = excluded.expires_at WHERE leases.expires_at <= ((julianday('now') - 2440587.5) * 86400.0) + ? OR leases.expires_at > ((julianday('now') - 2440587.5) * 86400.0) + ? OR leases.owner = excluded.owner RETURNING fence"""
RENEW_LEASE = """\
UPDATE leases SET expires_at=(((julianday('now') - 2440587.5) * 86400.0) + ?) WHERE leases.artifact_id = ? AND leases.owner = ? AND leases.fence = ?"""
RELEASE_LEASE = """\
DELETE FROM leases WHERE leases.artifact_id = ? AND leases.owner = ? AND leases.fence = ?"""
LIST_EXPIRED_LEASES = """\
SELECT leases.artifact_id, ((julianday('now') - 2440587.5) * 86400.0) - leases.expires_at AS anon_1
FROM leases
WHERE leases.expires_at <= ((julianday('now') - 2440587.5) * 86400.0) + ? AND leases.artifact_id > ? ORDER BY leases.artifact_id
 LIMIT ? OFFSET ?"""
FIND_RECORD = """\
SELECT artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature, CASE WHEN (artifacts.size_bytes <= 4096) THEN artifacts.value_data END AS short_value
FROM artifacts
WHERE artifacts.id = ?"""
FIND_MANY = """\
SELECT artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature, CASE WHEN (artifacts.size_bytes <= 4096) THEN artifacts.value_data END AS short_value
FROM json_each(?) AS wanted JOIN artifacts ON artifacts.id = wanted.value"""
FIND_ALIKE = """\
SELECT artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.input_hashes, artifacts.signature, CASE WHEN (artifacts.size_bytes <= 4096) THEN artifacts.value_data END AS short_value, artifacts.name = ? AND artifacts.version = ? AND artifacts.fn_module = ? AND artifacts.fn_name = ? AND artifacts.fn_qualname = ? AND artifacts.composite = ? AND artifacts.serializer = ? AND artifacts.load_kwargs = ? AND artifacts.dump_kwargs = ? AND artifacts.custom_fields = ? AND artifacts.tags = ? AND artifacts.value_type = ? AND artifacts.interface = ? AND artifacts.code = ? AND artifacts.value_artifact_ids = ? AND artifacts.input_derivations = ? AS shares
FROM json_each(?) AS wanted JOIN artifacts ON artifacts.id = wanted.value"""
READ_STORED = """\
SELECT artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature, artifacts.inputs_json, artifacts.value_data, artifacts.inputs_data, EXISTS (SELECT *
FROM evictions
WHERE evictions.artifact_id = artifacts.id) AS evicted
FROM artifacts
WHERE artifacts.id IN (SELECT wanted.value
FROM json_each(?) AS wanted)"""
FIND_KNOWN = """\
SELECT artifacts.id
FROM artifacts
WHERE artifacts.id IN (SELECT wanted.value
FROM json_each(?) AS wanted)"""
FIND_RECORDS_BY_VALUE = """\
SELECT artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature
FROM artifacts
WHERE artifacts.value_id = ? AND artifacts.place IN (SELECT terms.place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled)) ORDER BY artifacts.added_at, artifacts.id"""
LIST_DEPENDENTS = """\
SELECT artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature
FROM artifacts JOIN artifact_inputs ON artifact_inputs.artifact_id = artifacts.id
WHERE artifact_inputs.input_id = ? ORDER BY artifacts.id"""
LIST_IDS = """\
SELECT artifacts.id
FROM artifacts
WHERE artifacts.id >= ? AND artifacts.id < ? ORDER BY artifacts.id
 LIMIT ? OFFSET ?"""
FIND_RUN = """\
SELECT runs.info
FROM runs
WHERE runs.id = ?"""
HAS_RUN = """\
SELECT runs.id
FROM runs
WHERE runs.id = ?"""
PUT_RECORD = """\
INSERT OR IGNORE INTO artifacts (id, value_id, run_id, name, version, fn_module, fn_name, fn_qualname, composite, value_id_duration, compute_duration, hash_duration, computed_at, added_at, input_artifact_ids, serializer, load_kwargs, dump_kwargs, custom_fields, tags, content_digest, size_bytes, inputs_digest, inputs_size, value_type, interface, code, value_artifact_ids, input_hashes, input_derivations, signature, inputs_json, value_data, inputs_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
REPLACE_RECORD = """\
INSERT INTO artifacts (id, value_id, run_id, name, version, fn_module, fn_name, fn_qualname, composite, value_id_duration, compute_duration, hash_duration, computed_at, added_at, input_artifact_ids, serializer, load_kwargs, dump_kwargs, custom_fields, tags, content_digest, size_bytes, inputs_digest, inputs_size, value_type, interface, code, value_artifact_ids, input_hashes, input_derivations, signature, inputs_json, value_data, inputs_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET value_id = excluded.value_id, run_id = excluded.run_id, name = excluded.name, version = excluded.version, fn_module = excluded.fn_module, fn_name = excluded.fn_name, fn_qualname = excluded.fn_qualname, composite = excluded.composite, value_id_duration = excluded.value_id_duration, compute_duration = excluded.compute_duration, hash_duration = excluded.hash_duration, computed_at = excluded.computed_at, added_at = excluded.added_at, input_artifact_ids = excluded.input_artifact_ids, serializer = excluded.serializer, load_kwargs = excluded.load_kwargs, dump_kwargs = excluded.dump_kwargs, custom_fields = excluded.custom_fields, tags = excluded.tags, content_digest = excluded.content_digest, size_bytes = excluded.size_bytes, inputs_digest = excluded.inputs_digest, inputs_size = excluded.inputs_size, value_type = excluded.value_type, interface = excluded.interface, code = excluded.code, value_artifact_ids = excluded.value_artifact_ids, input_hashes = excluded.input_hashes, input_derivations = excluded.input_derivations, signature = excluded.signature, inputs_json = excluded.inputs_json, value_data = excluded.value_data, inputs_data = excluded.inputs_data"""
PUT_EDGE = """\
INSERT OR IGNORE INTO artifact_inputs (artifact_id, input_id) VALUES (?, ?)"""
PUT_RUN = """\
INSERT OR IGNORE INTO runs (id, created_at, parent_id, info) VALUES (?, ?, ?, ?)"""
PUT_RECEIPT = """\
INSERT OR IGNORE INTO receipts (digest, receipt) VALUES (?, ?)"""
FIND_RECEIPT = """\
SELECT receipts.receipt
FROM receipts
WHERE receipts.digest = ?"""
PUT_SOURCE = """\
INSERT OR IGNORE INTO sources (digest, text) VALUES (?, ?)"""
FIND_SOURCE = """\
SELECT sources.text
FROM sources
WHERE sources.digest = ?"""
PUT_EQUIVALENCE = """\
INSERT OR REPLACE INTO equivalences (name, version, from_code, to_code, accepted_by, accepted_at, note) VALUES (?, ?, ?, ?, ?, ?, ?)"""
FIND_EQUIVALENCE = """\
SELECT equivalences.accepted_by, equivalences.accepted_at, equivalences.note
FROM equivalences
WHERE equivalences.name = ? AND equivalences.version = ? AND equivalences.from_code = ? AND equivalences.to_code = ?"""
PUT_DERIVATION = """\
INSERT OR IGNORE INTO derivations (artifact_id, derivation_id, input_artifact_ids, input_derivations, run_id, derived_at, signature) VALUES (?, ?, ?, ?, ?, ?, ?)"""
FIND_DERIVATIONS = """\
SELECT derivations.artifact_id, derivations.derivation_id, derivations.input_artifact_ids, derivations.input_derivations, derivations.run_id, derivations.derived_at, derivations.signature
FROM derivations
WHERE derivations.artifact_id = ? ORDER BY derivations.derived_at, derivations.derivation_id"""
LIST_DERIVATIONS = """\
SELECT derivations.artifact_id, derivations.derivation_id, derivations.input_artifact_ids, derivations.input_derivations, derivations.run_id, derivations.derived_at, derivations.signature
FROM derivations ORDER BY derivations.artifact_id, derivations.derivation_id"""
PUT_DELETION = """\
INSERT OR REPLACE INTO deletions (artifact_id, name, version, deleted_at, reason) VALUES (?, ?, ?, ?, ?)"""
FIND_DELETIONS = """\
SELECT deletions.artifact_id, deletions.name, deletions.version, deletions.deleted_at, deletions.reason
FROM deletions
WHERE deletions.artifact_id >= ? AND deletions.artifact_id < ? ORDER BY deletions.artifact_id
 LIMIT ? OFFSET ?"""
PUT_SHADOW = """\
INSERT OR REPLACE INTO shadows (artifact_id, checked_at, agreed, code) VALUES (?, ?, ?, ?)"""
FIND_SHADOWS = """\
SELECT shadows.artifact_id, shadows.checked_at, shadows.agreed, shadows.code
FROM shadows
WHERE shadows.artifact_id = ? ORDER BY shadows.checked_at"""
DELETE_SHADOWS = """\
DELETE FROM shadows WHERE shadows.artifact_id = ?"""
DELETE_DERIVATIONS = """\
DELETE FROM derivations WHERE derivations.artifact_id = ?"""
HAS_RECORD = """\
SELECT artifacts.id
FROM artifacts
WHERE artifacts.id = ?"""
FIND_REPOSITORY_ID = """\
SELECT repository.id
FROM repository"""
DELETE_RECORD = """\
DELETE FROM artifacts WHERE artifacts.id = ?"""
DELETE_EDGES = """\
DELETE FROM artifact_inputs WHERE artifact_inputs.artifact_id = ?"""
FIND_SET = """\
SELECT artifact_sets.id, artifact_sets.labels, artifact_sets.created_at
FROM artifact_sets
WHERE artifact_sets.id = ? ORDER BY artifact_sets.created_at DESC, artifact_sets.rowid DESC
 LIMIT ? OFFSET ?"""
FIND_SET_BY_LABELS = """\
SELECT artifact_sets.id, artifact_sets.labels, artifact_sets.created_at
FROM artifact_sets
WHERE json_valid(artifact_sets.labels) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_labels
WHERE NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifact_sets.labels) = 1) THEN artifact_sets.labels END) AS stored_labels
WHERE stored_labels.type = wanted_labels.type AND stored_labels.value IS wanted_labels.value AND stored_labels."key" = wanted_labels."key")))) ORDER BY artifact_sets.created_at DESC, artifact_sets.rowid DESC
 LIMIT ? OFFSET ?"""
LIST_SET_IDS = """\
SELECT DISTINCT artifact_sets.id
FROM artifact_sets
WHERE artifact_sets.id >= ? AND artifact_sets.id < ? ORDER BY artifact_sets.id
 LIMIT ? OFFSET ?"""
FIND_MEMBERS = """\
SELECT artifact_set_members.artifact_id
FROM artifact_set_members
WHERE artifact_set_members.set_id = ?"""
PUT_SET = """\
INSERT OR REPLACE INTO artifact_sets (id, labels, created_at, name) VALUES (?, ?, ?, ?)"""
PUT_MEMBER = """\
INSERT OR IGNORE INTO artifact_set_members (set_id, artifact_id) VALUES (?, ?)"""
DELETE_SET = """\
DELETE FROM artifact_sets WHERE artifact_sets.id = ?"""
DELETE_MEMBERS = """\
DELETE FROM artifact_set_members WHERE artifact_set_members.set_id = ?"""
FIND_INPUTS = """\
SELECT artifacts.inputs_json, artifacts.signature
FROM artifacts
WHERE artifacts.id = ?"""
READ_VALUE = """\
SELECT artifacts.value_data
FROM (SELECT terms.place AS place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place AS place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled)) AS found_term JOIN artifacts ON artifacts.place = found_term.place
WHERE artifacts.content_digest = ? AND artifacts.value_data IS NOT NULL
 LIMIT ? OFFSET ?"""
READ_VALUE_OF = """\
SELECT artifacts.value_data
FROM artifacts
WHERE artifacts.id = ? AND artifacts.content_digest = ? AND artifacts.value_data IS NOT NULL"""
READ_INPUTS = """\
SELECT artifacts.inputs_data
FROM (SELECT terms.place AS place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place AS place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled)) AS found_term JOIN artifacts ON artifacts.place = found_term.place
WHERE artifacts.inputs_digest = ? AND artifacts.inputs_data IS NOT NULL
 LIMIT ? OFFSET ?"""
FILL_VALUE = """\
UPDATE artifacts SET value_data=? WHERE artifacts.content_digest = ? AND artifacts.value_data IS NULL AND artifacts.place IN (SELECT terms.place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled))"""
FILL_INPUTS = """\
UPDATE artifacts SET inputs_data=? WHERE artifacts.inputs_digest = ? AND artifacts.inputs_data IS NULL AND artifacts.place IN (SELECT terms.place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled))"""
DELETE_VALUE = """\
UPDATE artifacts SET value_data=NULL WHERE artifacts.content_digest = ? AND artifacts.value_data IS NOT NULL AND artifacts.place IN (SELECT terms.place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled))"""
DELETE_INPUTS = """\
UPDATE artifacts SET inputs_data=NULL WHERE artifacts.inputs_digest = ? AND artifacts.inputs_data IS NOT NULL AND artifacts.place IN (SELECT terms.place
FROM terms
WHERE terms.term = ? UNION ALL SELECT terms_outdated.place + 0 AS place
FROM terms_outdated UNION ALL SELECT unknown.place
FROM artifacts AS unknown
WHERE unknown.place > (SELECT terms_filled.place
FROM terms_filled))"""
SEARCH_RECORDS = """\
SELECT artifacts.rowid AS place, artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature, artifacts.inputs_json
FROM artifacts
WHERE (? IS NULL OR (artifacts.name GLOB ?)) AND (? IS NULL OR (artifacts.version = ?)) AND (? IS NULL OR (artifacts.run_id = ?)) AND (? IS NULL OR (artifacts.code = ?)) AND (? IS NULL OR (artifacts.computed_at >= ?)) AND (? IS NULL OR (artifacts.computed_at < ?)) AND (? IS NULL OR artifacts.id IN (SELECT artifact_inputs.artifact_id
FROM artifact_inputs
WHERE artifact_inputs.input_id = ?)) AND (? IS NULL OR json_valid(artifacts.tags) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_tags
WHERE NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifacts.tags) = 1) THEN artifacts.tags END) AS stored_tags
WHERE stored_tags.type = wanted_tags.type AND stored_tags.value IS wanted_tags.value))))) AND (? IS NULL OR json_valid(artifacts.custom_fields) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_fields
WHERE NOT (wanted_fields."key" GLOB '*[^A-Za-z0-9_]*') AND (wanted_fields.type NOT IN ('object', 'array')) AND NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifacts.custom_fields) = 1) THEN artifacts.custom_fields END) AS stored_fields
WHERE stored_fields.type = wanted_fields.type AND stored_fields.value IS wanted_fields.value AND stored_fields."key" = wanted_fields."key"))))) AND (? IS NULL OR json_valid(artifacts.inputs_json) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_inputs
WHERE NOT (wanted_inputs."key" GLOB '*[^A-Za-z0-9_]*') AND (wanted_inputs.type NOT IN ('object', 'array')) AND NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifacts.inputs_json) = 1) THEN artifacts.inputs_json END) AS stored_inputs
WHERE stored_inputs.type = wanted_inputs.type AND stored_inputs.value IS wanted_inputs.value AND stored_inputs."key" = wanted_inputs."key"))))) AND ? < artifacts.rowid AND ? > artifacts.rowid ORDER BY artifacts.rowid DESC
 LIMIT ? OFFSET ?"""
SEARCH_PLACES = """\
SELECT artifacts.rowid AS place, artifacts.id, artifacts.value_id, artifacts.run_id, artifacts.name, artifacts.version, artifacts.fn_module, artifacts.fn_name, artifacts.fn_qualname, artifacts.composite, artifacts.value_id_duration, artifacts.compute_duration, artifacts.hash_duration, artifacts.computed_at, artifacts.added_at, artifacts.input_artifact_ids, artifacts.serializer, artifacts.load_kwargs, artifacts.dump_kwargs, artifacts.custom_fields, artifacts.tags, artifacts.content_digest, artifacts.size_bytes, artifacts.inputs_digest, artifacts.inputs_size, artifacts.value_type, artifacts.interface, artifacts.code, artifacts.value_artifact_ids, artifacts.input_hashes, artifacts.input_derivations, artifacts.signature, artifacts.inputs_json
FROM artifacts
WHERE (? IS NULL OR (artifacts.name GLOB ?)) AND (? IS NULL OR (artifacts.version = ?)) AND (? IS NULL OR (artifacts.run_id = ?)) AND (? IS NULL OR (artifacts.code = ?)) AND (? IS NULL OR (artifacts.computed_at >= ?)) AND (? IS NULL OR (artifacts.computed_at < ?)) AND (? IS NULL OR artifacts.id IN (SELECT artifact_inputs.artifact_id
FROM artifact_inputs
WHERE artifact_inputs.input_id = ?)) AND (? IS NULL OR json_valid(artifacts.tags) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_tags
WHERE NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifacts.tags) = 1) THEN artifacts.tags END) AS stored_tags
WHERE stored_tags.type = wanted_tags.type AND stored_tags.value IS wanted_tags.value))))) AND (? IS NULL OR json_valid(artifacts.custom_fields) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_fields
WHERE NOT (wanted_fields."key" GLOB '*[^A-Za-z0-9_]*') AND (wanted_fields.type NOT IN ('object', 'array')) AND NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifacts.custom_fields) = 1) THEN artifacts.custom_fields END) AS stored_fields
WHERE stored_fields.type = wanted_fields.type AND stored_fields.value IS wanted_fields.value AND stored_fields."key" = wanted_fields."key"))))) AND (? IS NULL OR json_valid(artifacts.inputs_json) != 1 OR NOT (EXISTS (SELECT 1
FROM json_each(?) AS wanted_inputs
WHERE NOT (wanted_inputs."key" GLOB '*[^A-Za-z0-9_]*') AND (wanted_inputs.type NOT IN ('object', 'array')) AND NOT (EXISTS (SELECT *
FROM json_each(CASE WHEN (json_valid(artifacts.inputs_json) = 1) THEN artifacts.inputs_json END) AS stored_inputs
WHERE stored_inputs.type = wanted_inputs.type AND stored_inputs.value IS wanted_inputs.value AND stored_inputs."key" = wanted_inputs."key"))))) AND artifacts.place IN (SELECT anon_1.value
FROM json_each(?) AS anon_1) ORDER BY artifacts.rowid DESC"""
CREATE = (
    """\
CREATE TABLE IF NOT EXISTS artifact_inputs (
    artifact_id TEXT NOT NULL,
    input_id TEXT NOT NULL,
    PRIMARY KEY (artifact_id, input_id)
)
 WITHOUT ROWID""",
    """\
CREATE INDEX IF NOT EXISTS ix_artifact_inputs_input_id ON artifact_inputs (input_id, artifact_id)""",
    """\
CREATE TABLE IF NOT EXISTS artifact_set_members (
    set_id TEXT NOT NULL,
    artifact_id TEXT NOT NULL,
    PRIMARY KEY (set_id, artifact_id)
)
 WITHOUT ROWID""",
    """\
CREATE INDEX IF NOT EXISTS ix_artifact_set_members_artifact_id ON artifact_set_members (artifact_id)""",
    """\
CREATE TABLE IF NOT EXISTS artifact_sets (
    id TEXT NOT NULL,
    labels JSON NOT NULL,
    created_at DATETIME NOT NULL,
    name TEXT,
    PRIMARY KEY (id, labels)
)""",
    """\
CREATE INDEX IF NOT EXISTS ix_artifact_sets_name ON artifact_sets (name)""",
    """\
CREATE TABLE IF NOT EXISTS artifacts (
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    value_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    fn_module TEXT NOT NULL,
    fn_name TEXT NOT NULL,
    fn_qualname TEXT NOT NULL,
    composite BOOLEAN NOT NULL,
    value_id_duration FLOAT NOT NULL,
    compute_duration FLOAT NOT NULL,
    hash_duration FLOAT NOT NULL,
    computed_at DATETIME NOT NULL,
    added_at DATETIME NOT NULL,
    input_artifact_ids JSON NOT NULL,
    serializer TEXT NOT NULL,
    load_kwargs JSON NOT NULL,
    dump_kwargs JSON NOT NULL,
    custom_fields JSON NOT NULL,
    tags JSON NOT NULL,
    content_digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    inputs_digest TEXT,
    inputs_size BIGINT,
    value_type TEXT NOT NULL,
    interface TEXT NOT NULL,
    code TEXT NOT NULL,
    value_artifact_ids JSON NOT NULL,
    input_hashes JSON NOT NULL,
    input_derivations JSON NOT NULL,
    signature TEXT NOT NULL,
    inputs_json JSON NOT NULL,
    value_data BLOB,
    inputs_data BLOB,
    PRIMARY KEY (place),
    UNIQUE (id)
)""",
    """\
CREATE TABLE IF NOT EXISTS deletions (
    artifact_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    deleted_at DATETIME NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (artifact_id)
)""",
    """\
CREATE TABLE IF NOT EXISTS derivations (
    artifact_id TEXT NOT NULL,
    derivation_id TEXT NOT NULL,
    input_artifact_ids JSON NOT NULL,
    input_derivations JSON NOT NULL,
    run_id TEXT NOT NULL,
    derived_at DATETIME NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (artifact_id, derivation_id)
)
 WITHOUT ROWID""",
    """\
CREATE TABLE IF NOT EXISTS equivalences (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    from_code TEXT NOT NULL,
    to_code TEXT NOT NULL,
    accepted_by TEXT NOT NULL,
    accepted_at DATETIME NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (name, version, from_code, to_code)
)""",
    """\
CREATE TABLE IF NOT EXISTS evictions (
    artifact_id TEXT NOT NULL,
    evicted_at DATETIME NOT NULL,
    PRIMARY KEY (artifact_id)
)""",
    """\
CREATE TABLE IF NOT EXISTS leases (
    artifact_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires_at FLOAT NOT NULL,
    PRIMARY KEY (artifact_id)
)""",
    """\
CREATE TABLE IF NOT EXISTS quarantined_blobs (
    id TEXT NOT NULL,
    data BLOB NOT NULL,
    set_aside_at DATETIME NOT NULL,
    PRIMARY KEY (id)
)""",
    """\
CREATE TABLE IF NOT EXISTS receipts (
    digest TEXT NOT NULL,
    receipt TEXT NOT NULL,
    PRIMARY KEY (digest)
)""",
    """\
CREATE TABLE IF NOT EXISTS repository (
    id TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
)""",
    """\
CREATE TABLE IF NOT EXISTS runs (
    id TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    parent_id TEXT,
    info JSON NOT NULL,
    PRIMARY KEY (id)
)""",
    """\
CREATE TABLE IF NOT EXISTS shadows (
    artifact_id TEXT NOT NULL,
    checked_at DATETIME NOT NULL,
    agreed BOOLEAN NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (artifact_id, checked_at)
)""",
    """\
CREATE TABLE IF NOT EXISTS sources (
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (digest)
)""",
    """\
CREATE TABLE IF NOT EXISTS term_names (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (name, version)
)
 WITHOUT ROWID""",
    """\
CREATE TABLE IF NOT EXISTS term_times (
    block INTEGER NOT NULL,
    oldest TEXT NOT NULL,
    newest TEXT NOT NULL,
    PRIMARY KEY (block)
)""",
    """\
CREATE TABLE IF NOT EXISTS terms (
    term BIGINT NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (term, place)
)
 WITHOUT ROWID""",
    """\
CREATE TABLE IF NOT EXISTS terms_filled (
    place BIGINT NOT NULL
)""",
    """\
CREATE TABLE IF NOT EXISTS terms_outdated (
    place INTEGER NOT NULL,
    PRIMARY KEY (place)
)""",
    """\
CREATE TABLE IF NOT EXISTS totals (
    grouping TEXT NOT NULL,
    "key" TEXT NOT NULL,
    artifacts BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    seconds FLOAT NOT NULL,
    oldest TEXT NOT NULL,
    newest TEXT NOT NULL,
    PRIMARY KEY (grouping, "key")
)
 WITHOUT ROWID""",
    """\
CREATE TABLE IF NOT EXISTS totals_filled (
    grouping TEXT NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (grouping)
)
 WITHOUT ROWID""",
    """\
CREATE TRIGGER IF NOT EXISTS artifact_replaced AFTER UPDATE OF
name, version, run_id, code, value_id, value_type, serializer, content_digest, size_bytes, inputs_digest, tags,
custom_fields, inputs_json, computed_at, compute_duration
ON artifacts
BEGIN INSERT INTO terms_outdated (place) SELECT new.place
WHERE NOT EXISTS (SELECT 1 FROM terms_outdated WHERE place = new.place);
DELETE FROM totals_filled; END""",
    """\
CREATE TRIGGER IF NOT EXISTS artifact_deleted AFTER DELETE ON artifacts
BEGIN INSERT INTO terms_outdated (place) SELECT old.place
WHERE NOT EXISTS (SELECT 1 FROM terms_outdated WHERE place = old.place);
UPDATE terms_filled SET place = min(place, coalesce((SELECT max(place) FROM artifacts), 0));
DELETE FROM totals_filled; END""",
    """\
CREATE TRIGGER IF NOT EXISTS value_evicted AFTER INSERT
ON evictions BEGIN DELETE FROM totals_filled; END""",
    """\
CREATE TRIGGER IF NOT EXISTS value_restored AFTER DELETE
ON evictions BEGIN DELETE FROM totals_filled; END""",
    """\
INSERT INTO terms_filled (place) VALUES (0)""",
    """\
CREATE TABLE IF NOT EXISTS provenance_schema (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT provenance_schema_pkc PRIMARY KEY (version_num)
)""",
    """\
INSERT OR IGNORE INTO provenance_schema (version_num) VALUES ('1')""",
    """\
INSERT INTO repository (id, created_at) VALUES (lower(hex(randomblob(20))), strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))""",
)
