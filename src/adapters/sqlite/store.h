// The store of the control plane in an SQLite file: for one machine, behind `weir serve`. Made by app/ and tests;
// called on offload threads, by several at once. WAL and synchronous=FULL: what write() has answered survives a power
// cut. The tables are tables.cc's; a file of an earlier version is brought up to date when it is opened.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "control/store.h"

namespace weir::adapters::sqlite {

// `path` is made if there is nothing, readable by its owner only. ":memory:" lives as long as the store and takes one
// caller at a time, so there a read() or write() must not be called inside another. Errors: unavailable (cannot be
// opened), outdated (written by a later Weir), broken (no database).
std::expected<std::unique_ptr<control::Store>, control::StoreError> open(const std::string& path);

}  // namespace weir::adapters::sqlite
