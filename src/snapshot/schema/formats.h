// The small languages inside the strings of a config file: addresses, hosts, methods, dates. Each is a FormatCheck
// for the document's schema, or the reading of what such a check let through. Cold path, pure functions, any thread.
// Path patterns have a file of their own (snapshot/router/path_pattern.h), upstream URLs too
// (snapshot/compile/upstream_url.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/route.h"

namespace weir::snapshot {

// FormatChecks (base/json/schema.h): true if well-formed, else `why` says what is wrong.
bool is_socket_address(std::string_view text, std::string& why);  // ip:port, [ip]:port or unix:/path
bool is_cidr(std::string_view text, std::string& why);
bool is_host_pattern(std::string_view text, std::string& why);  // a host without port, or *.host
bool is_host(std::string_view text, std::string& why);          // a name or an address, without port
bool is_method(std::string_view text, std::string& why);        // a token in capitals, not CONNECT or TRACE
bool is_field_name(std::string_view text, std::string& why);    // RFC 9110 §5.1 token without '_'
bool is_date_time(std::string_view text, std::string& why);     // RFC 3339 §5.6
bool is_id(std::string_view text, std::string& why);            // letters, digits and . _ - : /
bool is_upstream_name(std::string_view text, std::string& why);
bool is_target_address(std::string_view text, std::string& why);  // host:port, or a socket address
bool is_resolver_address(std::string_view text, std::string& why);

// What is_target_address() let through; weight 1.
std::optional<pipeline::TargetSpec> parse_target(std::string_view text, std::string* why = nullptr);

// A host whose last label is all digits is meant as an IPv4 address (WHATWG URL §3.5), and must then be one.
bool is_failed_ipv4(std::string_view host);

}  // namespace weir::snapshot
