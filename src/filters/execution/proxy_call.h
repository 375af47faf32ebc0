// One attempt of the proxy on one upstream connection: request out, response in, or a tunnel. Lives in the proxy's
// frame; the worker's thread. Not for choosing targets or deciding about further attempts: proxy.cc.
#pragma once

#include <memory>
#include <optional>

#include "http/client.h"
#include "io/gate.h"
#include "pipeline/exchange.h"
#include "pipeline/route.h"
#include "upstream/upstream.h"

namespace weir::filters {

class ProxyCall {
 public:
  // What another attempt would have to send again: the part of the body that was at hand with the head, if it was
  // all.
  struct Replay {
    bool taken = false;
    bool whole = false;
    std::string_view body;
  };

  ProxyCall(pipeline::Exchange& exchange, upstream::Upstream& upstream, const pipeline::Destination& to,
            std::unique_ptr<upstream::Connection> connection, Replay& replay);
  ProxyCall(const ProxyCall&) = delete;
  ProxyCall& operator=(const ProxyCall&) = delete;

  io::Task<Result<void>> run();

  // After a failure: the connection was a pooled one that had gone stale, and sending again cannot do anything twice:
  // nothing had been sent, or the method is idempotent and the body is still whole (RFC 9112 §9.3.1).
  bool may_repeat() const noexcept;

 private:
  void write_head();
  Result<bool> add_body_at_hand();
  io::Task<void> upload();
  io::Task<void> send_body();
  io::Task<Result<void>> read_final_head();
  io::Task<Result<void>> relay();
  io::Task<Result<void>> relay_body();
  io::Task<Result<void>> switch_protocols();
  io::Task<void> end_upload();
  io::TimePoint head_deadline() const noexcept;
  void watch_client() noexcept;
  static void client_gone(void* self, bool reset);
  Error failure(Error error) const noexcept;

  pipeline::Exchange& exchange_;
  upstream::Upstream& upstream_;
  const pipeline::Destination& to_;
  std::unique_ptr<upstream::Connection> connection_;
  Replay& replay_;
  http::ClientExchange wire_;
  io::TaskGroup uploading_;
  io::Gate continue_;  // opened when the upstream wants the body of an Expect: 100-continue
  bool chunked_ = false;
  bool uploaded_ = false;         // the request is out, whole
  bool uploading_ended_ = false;  // by us: what the upload sees of it is no error
  bool woken_ = false;            // the wait for the response was interrupted because the upload has ended
  bool client_gone_ = false;
  bool event_stream_ = false;
  std::optional<Error> upload_error_;
  io::TimePoint uploaded_at_{};
  bool reused_;
  bool repeatable_ = false;
};

}  // namespace weir::filters
