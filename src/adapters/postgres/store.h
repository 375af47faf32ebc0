// The store of the control plane in Postgres 13 or newer, by libpq. Made by app/ and tests; called on offload
// threads, by several at once. Several programs may share one database: writers come one after the other by an
// advisory lock. Degraded answer: control/store.h's, also when a server accepts connections and then says nothing.
// libpq-fe.h stops here.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "control/store.h"

namespace weir::adapters::postgres {

// `url` is what libpq takes: postgres://user:password@host:5432,standby:5432/name?sslmode=verify-full, or key=value
// pairs. With several hosts the one that takes writes is used unless target_session_attrs says otherwise, so a
// promoted standby is found. Nothing is connected yet, so that a control plane starts while its database is down: the
// first read() or write() says `unavailable` then, and `outdated` without the tables. The only error: an URL that
// cannot be read. Host names are looked up by the system's resolver, whose patience comes on top
// of `patience`, which is less in tests.
std::expected<std::unique_ptr<control::Store>, control::StoreError> open(
    const std::string& url, std::chrono::milliseconds patience = control::kStorePatience);

// Brings the tables up to date, all in one transaction, and returns how many steps that took. May run on several
// machines at once: one does it, the others wait, up to a minute.
std::expected<int, control::StoreError> migrate(const std::string& url);

}  // namespace weir::adapters::postgres
