// Raw bytes both ways between a client and an upstream once both have agreed to switch protocols (RFC 9110 §7.8).
// Called by the proxy after a matching 101; nothing in the bytes is looked at.
#pragma once

#include <cstdint>
#include <string_view>

#include "io/loop/buffer.h"
#include "io/stream.h"
#include "io/task.h"

namespace weir::http {

using io::Buffer;
using io::BufferPool;

struct TunnelTraffic {
  std::uint64_t from_client = 0;
  std::uint64_t to_client = 0;
};

// Ends when both directions have, or when no byte moved either way for `idle`. What was received behind the heads
// goes first.
io::Task<TunnelTraffic> tunnel(io::Stream& client, io::Stream& upstream, std::string_view early_from_client,
                               std::string_view early_from_upstream, BufferPool& buffers, io::Duration idle);

}  // namespace weir::http
