#include "http/tunnel.h"

namespace weir::http {
namespace {

struct Shared {
  io::Duration idle;
  io::TimePoint last_moved;
};

io::Task<void> pump(io::Stream& from, io::Stream& to, std::string_view early, BufferPool& buffers, Shared& shared,
                    std::uint64_t& moved) {
  Buffer buffer;
  io::Loop& loop = from.loop();
  std::string_view data = early;
  for (;;) {
    if (!data.empty()) {
      iovec part{const_cast<char*>(data.data()), data.size()};
      if ((co_await to.write({&part, 1}, shared.idle)).status != io::IoStatus::ok) break;
      moved += data.size();
      shared.last_moved = loop.now();
      data = {};
    }
    // A WebSocket is silent most of its life: no buffer meanwhile.
    if (!buffer) buffer = buffers.take();
    auto at_hand = from.try_read({buffer.data(), Buffer::kSize});
    if (!at_hand) {
      buffer.give_back();
      io::IoStatus status = co_await from.readable(shared.last_moved + shared.idle);
      if (status == io::IoStatus::ok) continue;
      // The other direction may have moved in the meantime: only silence both ways ends the tunnel.
      if (status == io::IoStatus::timed_out && loop.now() < shared.last_moved + shared.idle) continue;
      break;
    }
    if (at_hand->status == io::IoStatus::eof) {
      to.end_writing();
      co_return;  // the other direction goes on until its own end
    }
    if (at_hand->status != io::IoStatus::ok) break;
    data = {buffer.data(), at_hand->bytes};
  }
  from.abort();
  to.abort();
}

}  // namespace

io::Task<TunnelTraffic> tunnel(io::Stream& client, io::Stream& upstream, std::string_view early_from_client,
                               std::string_view early_from_upstream, BufferPool& buffers, io::Duration idle) {
  TunnelTraffic traffic;
  Shared shared{idle, client.loop().now()};
  io::TaskGroup both;
  both.spawn(pump(client, upstream, early_from_client, buffers, shared, traffic.from_client));
  both.spawn(pump(upstream, client, early_from_upstream, buffers, shared, traffic.to_client));
  co_await both.join();
  co_return traffic;
}

}  // namespace weir::http
