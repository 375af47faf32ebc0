// The access log's record: an exchange as one line of JSON. Used by the access_log filter; no I/O here. Exchange's
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "filters/config/config.h"
#include "filters/post_execution/record_line.h"
#include "pipeline/exchange.h"

namespace weir::filters {

enum class QueryLog : std::uint8_t { keep, redact, drop };

struct RecordFormat {
  struct Header {
    FieldRef field;
    std::string key;  // of json_key()
  };
  QueryLog query = QueryLog::keep;
  std::vector<std::string> more_secrets;  // lower case
  std::vector<Header> request_headers;
  std::vector<Header> response_headers;

  void add_secret(std::string_view parameter);
};

// "\"name\":" in lower case.
std::string json_key(std::string_view name);

// Appends the record, without a newline. `end`: when the exchange ended. Valid UTF-8 and JSON without control bytes,
// whatever the client sent.
void append_record(RecordLine& out, const pipeline::Exchange& exchange, const RecordFormat& format);

}  // namespace weir::filters
