// fuzz: http/*
// The first bytes of a connection; properties in tests/http/proxy_protocol_properties.h.
#include <cstdio>
#include <cstdlib>

#include "tests/http/proxy_protocol_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string broken = weir::http::broken_proxy_property(input);
  if (!broken.empty()) {
    std::fprintf(stderr, "%s\n", broken.c_str());
    std::abort();
  }
  return 0;
}
