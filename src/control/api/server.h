// The admin API's side of the wire: reads a request whole, has it answered on another thread (api.h), tells gateways
// about a revision it published, waits for receipts where the request asks for that. An http::Handler on the control
// loop; one thread. It decides nothing about the request itself, but that pages for probes are answered here: they
// must not wait behind what waits for the database.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "control/api/api.h"
#include "control/api/message/message.h"
#include "control/api/state/instance_board.h"
#include "http/server.h"
#include "io/offload.h"

namespace weir::control::api {

// The largest request: a batch of all objects of 2,000 routes and 50,000 consumers is some 20 MiB.
inline constexpr std::uint64_t kLargestRequest = 64ull << 20;

class ApiServer final : public http::Handler {
 public:
  // Makes a revision that is in the store known to gateways; the error is a sentence, and whoever announces goes on
  // trying by itself.
  using Announce = std::function<io::Task<std::expected<void, std::string>>(std::uint64_t number)>;

  // All must outlive the server that uses this handler. `announce` is awaited on the loop; it bounds its own waiting.
  ApiServer(io::Loop& loop, io::Offload& offload, Api& api, InstanceBoard& board, Announce announce)
      : loop_(loop), offload_(offload), api_(api), board_(board), announce_(std::move(announce)) {}

  io::Task<void> handle(http::ServerExchange& exchange) override;

  // Requests that wait for receipts are answered with what is known by now; readiness fails.
  void stop() noexcept { stopping_ = true; }

 private:
  io::Task<ApiResponse> answer(http::ServerExchange& exchange);
  io::Task<Result<std::string>> read_body(http::ServerExchange& exchange);
  io::Task<Pulse> pulse();
  io::Task<void> tell(ApiResponse& response);
  io::Task<void> wait_for_receipts(ApiResponse& response);

  io::Loop& loop_;
  io::Offload& offload_;
  Api& api_;
  InstanceBoard& board_;
  Announce announce_;
  bool stopping_ = false;
  Pulse pulse_;
  io::TimePoint looked_at_{};
  bool looked_ = false;   // pulse_ is of looked_at_
  bool looking_ = false;  // somebody asks the store right now
  io::Offload looks_{1, 1};
};

// Of what came over the wire; the error is what is wrong with the target. For ApiServer and tests.
std::expected<ApiRequest, std::string> api_request(std::string_view method, std::string_view target);

}  // namespace weir::control::api
