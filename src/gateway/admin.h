// The admin address: /metrics, /livez, /readyz, /startupz. Served by the control thread's loop, so that it answers
// while every worker is busy. It changes nothing.
#pragma once

#include <functional>

#include "gateway/gateway.h"
#include "http/server.h"

namespace weir::gateway {

// What only the process knows (app/serve/serve.cc writes it on the control thread).
struct ProcessState {
  InstanceFacts facts;
  // Fills in what changes by itself; on the control thread.
  std::function<void(InstanceFacts&)> refresh;
  bool started = false;   // the first snapshot is in use
  bool stopping = false;  // readiness fails first, then the listeners close
};

class Admin final : public http::Handler {
 public:
  Admin(Gateway& gateway, upstream::Directory& directory, const ProcessState& state) noexcept
      : gateway_(gateway), directory_(directory), state_(state) {}

  io::Task<void> handle(http::ServerExchange& exchange) override;

 private:
  struct Answer {
    int status = 200;
    std::string_view type = "application/json";
    std::string body;
  };
  io::Task<Answer> answer(http::ServerExchange& exchange);
  io::Task<Answer> metrics();
  io::Task<Answer> live();

  Gateway& gateway_;
  upstream::Directory& directory_;
  const ProcessState& state_;
};

}  // namespace weir::gateway
