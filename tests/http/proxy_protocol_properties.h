// What must hold for any bytes given to the PROXY protocol parser. Used by its fuzz target and by the test that
// replays the corpus.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/proxy_protocol.h"

namespace weir::http {

// Returns what is broken, or nothing.
inline std::string broken_proxy_property(std::string_view input) {
  enum class Verdict : std::uint8_t { waiting, header, refused };
  ProxyHeader final_header;
  Verdict verdict = Verdict::waiting;
  for (std::size_t size = 0; size <= input.size() && size <= kProxyHeaderBytes + 16; ++size) {
    const std::vector<char> exact(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
    const auto parsed = parse_proxy_header({exact.data(), exact.size()});
    const Verdict now = !parsed ? Verdict::refused : *parsed ? Verdict::header : Verdict::waiting;
    if (verdict != Verdict::waiting && now != verdict) return "a verdict that more bytes change";
    if (now == Verdict::waiting && size >= kProxyHeaderBytes) return "waiting beyond the limit";
    if (now == Verdict::refused && parsed.error().reason != Reason::proxy_protocol_error) return "a wrong reason";
    if (now == Verdict::header) {
      const ProxyHeader& header = **parsed;
      if (verdict == Verdict::waiting && header.consumed != size) return "a header that ends before it was known";
      if (verdict == Verdict::header && header.consumed != final_header.consumed) return "an end that moves";
      final_header = header;
    }
    verdict = now;
  }
  if (verdict != Verdict::header || final_header.local) return {};

  // Written anew as version 1, by our own hand, it names the same two ends.
  const bool family4 = final_header.source.is_v4() && final_header.destination.is_v4();
  if (!family4 && (final_header.source.is_v4() || final_header.destination.is_v4())) return {};
  const std::string again = std::string("PROXY ") + (family4 ? "TCP4 " : "TCP6 ") + final_header.source.to_string() +
                            " " + final_header.destination.to_string() + " " +
                            std::to_string(final_header.source_port) + " " +
                            std::to_string(final_header.destination_port) + "\r\n";
  const auto second = parse_proxy_header(again);
  if (!second || !*second) return "the header written anew is refused";
  return (*second)->source == final_header.source && (*second)->destination == final_header.destination &&
                 (*second)->source_port == final_header.source_port &&
                 (*second)->destination_port == final_header.destination_port
             ? ""
             : "the header written anew names others";
}

}  // namespace weir::http
