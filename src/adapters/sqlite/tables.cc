#include "adapters/sqlite/tables.h"

namespace weir::adapters::sqlite {
namespace {

// `body` is the truth; columns that people search by are made from it.
constexpr const char* kFirst = R"sql(
CREATE TABLE last_change (number INTEGER NOT NULL) STRICT;
INSERT INTO last_change VALUES (0);

CREATE TABLE routes (
  route_id TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  hosts ANY AS (json_extract(body, '$.hosts')),
  path_pattern ANY AS (json_extract(body, '$.path_pattern')),
  http_methods ANY AS (json_extract(body, '$.http_methods')),
  upstream_url ANY AS (json_extract(body, '$.upstream_url')),
  auth_required ANY AS (json_extract(body, '$.auth_required')),
  rate_limit_rps ANY AS (json_extract(body, '$.rate_limit_rps')),
  canary_weight ANY AS (json_extract(body, '$.canary_weight')),
  plugin_chain ANY AS (json_extract(body, '$.plugin_chain')),
  updated_at TEXT AS (strftime('%Y-%m-%dT%H:%M:%fZ', updated_ms / 1000.0, 'unixepoch'))
) STRICT;
CREATE TABLE upstreams (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  targets ANY AS (json_extract(body, '$.targets')),
  plugin_chain ANY AS (json_extract(body, '$.plugin_chain'))
) STRICT;
CREATE TABLE consumers (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  custom_id ANY AS (json_extract(body, '$.custom_id')),
  group_names ANY AS (json_extract(body, '$.groups')),
  plugin_chain ANY AS (json_extract(body, '$.plugin_chain'))
) STRICT;
CREATE TABLE groups (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT;
CREATE TABLE policies (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  position ANY AS (coalesce(json_extract(body, '$.order'), 0)),
  config ANY AS (json_extract(body, '$.config'))
) STRICT;
CREATE TABLE certificates (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  cert_pem ANY AS (json_extract(body, '$.cert_pem'))
) STRICT;
CREATE TABLE secrets (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  tags TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT;

CREATE TABLE operators (
  name TEXT NOT NULL PRIMARY KEY,
  role TEXT NOT NULL,
  teams TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;
CREATE TABLE operator_tokens (
  id TEXT NOT NULL PRIMARY KEY,
  operator TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  last_used INTEGER NOT NULL
) STRICT;
CREATE INDEX operator_tokens_of ON operator_tokens (operator);

CREATE TABLE revisions (
  number INTEGER NOT NULL PRIMARY KEY,
  digest TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  message TEXT NOT NULL,
  rolled_back_to INTEGER NOT NULL,
  changes TEXT NOT NULL,
  signature TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE TRIGGER revisions_stay BEFORE UPDATE ON revisions
BEGIN SELECT RAISE(ABORT, 'a revision is never changed'); END;

CREATE TABLE audit (
  seq INTEGER NOT NULL PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  from_address TEXT NOT NULL,
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  before_body TEXT NOT NULL,
  after_body TEXT NOT NULL,
  revision INTEGER NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;

CREATE TABLE remembered (
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request TEXT NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  etag TEXT NOT NULL,
  location TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (actor, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_at ON remembered (at_ms);
)sql";

}  // namespace

const std::array<const char*, 1> kTableSteps = {kFirst};

}  // namespace weir::adapters::sqlite
