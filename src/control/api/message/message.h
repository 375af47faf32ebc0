// A request to the admin API and its answer, as the handlers see them: whole, decoded, without the wire. Plain
// values; made on the control loop (control/api/server.h), answered on an offload thread (control/api/api.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json/json.h"

namespace weir::control::api {

// Of the query, decoded.
struct QueryParameter {
  std::string name;
  std::string value;
  bool alone = false;  // "?x", without "="
  bool operator==(const QueryParameter&) const = default;
};

struct ApiRequest {
  std::string method;                 // "GET"
  std::string path;                   // decoded segments joined by '/', as received if none was encoded
  std::vector<std::string> segments;  // of the path, percent-decoded
  std::vector<QueryParameter> query;  // in order
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::string body;
  std::string from;            // the client's address, without the port
  std::string client_subject;  // of a verified client certificate; empty: none
  bool secure = false;

  // The first field of that name (lower case); nullptr: none.
  const std::string* field(std::string_view name) const noexcept {
    for (const auto& [known, value] : fields)
      if (known == name) return &value;
    return nullptr;
  }
};

// The answer is to be made by the loop, of what instances say of a revision, once enough have or time is up.
struct StatusWait {
  enum class For : std::uint8_t { nothing, all, quorum };
  std::uint64_t revision = 0;
  For what = For::nothing;
  std::chrono::milliseconds timeout{0};
};

struct ApiResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // ETag, Location, Allow, Retry-After, ...
  // A revision that was published by this request: the loop announces it before the answer is sent.
  std::optional<std::uint64_t> published;
  std::optional<StatusWait> wait;  // then there is no body yet
};

}  // namespace weir::control::api
