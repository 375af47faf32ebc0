#include "adapters/postgres/tables.h"

namespace weir::adapters::postgres {
namespace {

// `body` is the truth, kept as the text it came as (JSON, not JSONB, which has no NUL characters and other numbers);
// the columns that people and reports search by are made from it, and are NULL where it holds something odd: what is
// wrong with a body is for compile() to say.
constexpr const char* kFirst = R"sql(
CREATE FUNCTION weir_readable(body JSON) RETURNS JSONB IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS
$$ SELECT replace(body::text, '\u0000', '\ufffd')::jsonb $$;
CREATE FUNCTION weir_words(list JSONB) RETURNS TEXT[] IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS
$$ SELECT CASE WHEN jsonb_typeof(list) = 'array'
               THEN ARRAY(SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(list) = 'array' THEN list END)) END $$;
CREATE FUNCTION weir_number(value JSONB) RETURNS NUMERIC IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS
$$ SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END $$;
CREATE FUNCTION weir_refuse() RETURNS TRIGGER LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

CREATE TABLE last_change (number BIGINT NOT NULL);
INSERT INTO last_change VALUES (0);

CREATE TABLE routes (
  route_id TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED,
  hosts TEXT[] GENERATED ALWAYS AS (weir_words(weir_readable(body) -> 'hosts')) STORED,
  path_pattern TEXT GENERATED ALWAYS AS (weir_readable(body) ->> 'path_pattern') STORED,
  http_methods TEXT[] GENERATED ALWAYS AS (weir_words(weir_readable(body) -> 'http_methods')) STORED,
  upstream_url TEXT GENERATED ALWAYS AS (weir_readable(body) ->> 'upstream_url') STORED,
  auth_required BOOLEAN GENERATED ALWAYS AS (weir_readable(body) -> 'auth_required' = 'true') STORED,
  rate_limit_rps NUMERIC GENERATED ALWAYS AS (weir_number(weir_readable(body) -> 'rate_limit_rps')) STORED,
  canary_weight NUMERIC GENERATED ALWAYS AS (weir_number(weir_readable(body) -> 'canary_weight')) STORED,
  canary_upstream_url TEXT GENERATED ALWAYS AS (weir_readable(body) ->> 'canary_upstream_url') STORED,
  plugin_chain JSONB GENERATED ALWAYS AS (weir_readable(body) -> 'plugin_chain') STORED
);
CREATE INDEX routes_tags ON routes USING gin (tags);
CREATE INDEX routes_upstream_url ON routes (upstream_url);
CREATE TABLE upstreams (
  name TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED,
  target_list JSONB GENERATED ALWAYS AS (weir_readable(body) -> 'targets') STORED,
  plugin_chain JSONB GENERATED ALWAYS AS (weir_readable(body) -> 'plugin_chain') STORED
);
CREATE INDEX upstreams_tags ON upstreams USING gin (tags);
CREATE VIEW targets AS
  SELECT name AS upstream, item ->> 'address' AS address, coalesce(weir_number(item -> 'weight'), 1) AS weight
  FROM upstreams, jsonb_array_elements(CASE jsonb_typeof(target_list) WHEN 'array' THEN target_list ELSE '[]' END) item;
CREATE TABLE consumers (
  name TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED,
  custom_id TEXT GENERATED ALWAYS AS (weir_readable(body) ->> 'custom_id') STORED,
  group_names TEXT[] GENERATED ALWAYS AS (weir_words(weir_readable(body) -> 'groups')) STORED,
  plugin_chain JSONB GENERATED ALWAYS AS (weir_readable(body) -> 'plugin_chain') STORED
);
CREATE INDEX consumers_tags ON consumers USING gin (tags);
CREATE TABLE groups (
  name TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED,
  plugin_chain JSONB GENERATED ALWAYS AS (weir_readable(body) -> 'plugin_chain') STORED
);
CREATE INDEX groups_tags ON groups USING gin (tags);
CREATE TABLE policies (
  name TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED,
  position NUMERIC GENERATED ALWAYS AS (coalesce(weir_number(weir_readable(body) -> 'order'), 0)) STORED,
  config JSONB GENERATED ALWAYS AS (weir_readable(body) -> 'config') STORED
);
CREATE INDEX policies_tags ON policies USING gin (tags);
CREATE TABLE certificates (
  name TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED,
  cert_pem TEXT GENERATED ALWAYS AS (weir_readable(body) ->> 'cert_pem') STORED
);
CREATE INDEX certificates_tags ON certificates USING gin (tags);
CREATE TABLE secrets (
  name TEXT COLLATE "C" PRIMARY KEY,
  body JSON NOT NULL,
  tags JSONB NOT NULL,
  version BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(updated_ms / 1000.0)) STORED
);
CREATE INDEX secrets_tags ON secrets USING gin (tags);

CREATE TABLE operators (
  name TEXT COLLATE "C" PRIMARY KEY,
  role TEXT NOT NULL,
  teams JSONB NOT NULL,
  disabled BOOLEAN NOT NULL,
  version BIGINT NOT NULL
);
CREATE TABLE operator_tokens (
  id TEXT COLLATE "C" PRIMARY KEY,
  operator TEXT COLLATE "C" NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  last_used BIGINT NOT NULL
);
CREATE INDEX operator_tokens_of ON operator_tokens (operator);

CREATE TABLE revisions (
  number BIGINT PRIMARY KEY,
  digest TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  made_by TEXT NOT NULL,
  message TEXT NOT NULL,
  rolled_back_to BIGINT NOT NULL,
  changes JSON NOT NULL,
  signature TEXT NOT NULL,
  document TEXT NOT NULL
);
CREATE TRIGGER revisions_stay BEFORE UPDATE ON revisions
  FOR EACH STATEMENT EXECUTE FUNCTION weir_refuse('a revision is never changed');

CREATE TABLE audit (
  seq BIGINT PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  from_address TEXT NOT NULL,
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  before_body JSON NOT NULL,
  after_body JSON NOT NULL,
  revision BIGINT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  at TIMESTAMPTZ GENERATED ALWAYS AS (to_timestamp(at_ms / 1000.0)) STORED
);
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION weir_refuse('the audit log only grows');

CREATE TABLE remembered (
  actor TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  request TEXT NOT NULL,
  status BIGINT NOT NULL,
  body TEXT NOT NULL,
  etag TEXT NOT NULL,
  location TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (actor, idempotency_key)
);
CREATE INDEX remembered_at ON remembered (at_ms);
)sql";

}  // namespace

const char* const kMigrationsTable = R"sql(
CREATE TABLE IF NOT EXISTS weir_migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
))sql";

const std::array<TableStep, 1> kTableSteps = {{{"the control plane", kFirst}}};

}  // namespace weir::adapters::postgres
