// One request, as bytes, on its way through the gateway without a server: what the parser makes of it, an exchange,
// and what the client gets.
#pragma once

#include "http/h1/h1_parser.h"
#include "tests/gateway/probes.h"
#include "tests/http/wire.h"

namespace weir::gateway {

class Scene {
 public:
  // `text`: a request head; `from`: the address it comes from.
  explicit Scene(std::string text, std::string_view from = "192.0.2.7", bool secure = false)
      : text_(std::move(text)),
        peer{SocketAddress(*IpAddress::parse(from), 4711), secure, {}},
        server(*wire.stream, wire.buffers, peer, std::chrono::seconds(5)),
        exchange(wire.loop, lease, server) {
    asked().clear();
    http::HeadScanner scanner;
    const auto length = scanner.scan(text_, {});
    if (!length)
      server.parsed = std::unexpected(length.error());
    else
      server.parsed = http::parse_request_head(std::string_view(text_).substr(0, *length), {}, server.request);
    server.writer.for_request(server.request, server.parsed.has_value() && server.request.keep_alive, ending_);
    server.body.start(*wire.stream, body_.data(), 0, 0, server.request.framing, server.request.content_length,
                      http::Body::Side::request, 1'000'000);
    exchange.started = server.started = io::TimePoint(std::chrono::hours(1));
    exchange.wall_started_us = 1'772'323'199'123'456;
    lease.buffers = &wire.buffers;
  }

  std::string request(std::string_view name) const { return all(exchange.request.fields, name); }
  std::string response(std::string_view name) const { return all(exchange.response.fields, name); }
  // The values of one name, joined by " | "; "-" without any.
  static std::string all(const http::Fields& fields, std::string_view name) {
    std::string out;
    for (const http::Field& field : fields)
      if (http::equal_ignoring_case(field.name, name)) out.append(out.empty() ? "" : " | ").append(field.value);
    return out.empty() ? "-" : out;
  }

 private:
  std::string text_;
  bool ending_ = false;

 public:
  http::Wire wire;
  http::Peer peer;
  pipeline::Lease lease;
  http::ServerExchange server;
  pipeline::Exchange exchange;

 private:
  io::Buffer body_ = wire.buffers.take();
};

inline std::string get(std::string_view target, std::string_view fields = {}, std::string_view method = "GET") {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: shop.example.com\r\n" +
         std::string(fields) + "\r\n";
}

}  // namespace weir::gateway
