// fuzz: http/*
// One request target (and, the same bytes, one authority) against the properties of
// tests/http/message/uri_properties.h.
#include <cstdio>
#include <cstdlib>

#include "tests/http/message/uri_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string broken = weir::http::broken_uri_property(input);
  if (!broken.empty()) {
    std::fprintf(stderr, "%s\n", broken.c_str());
    std::abort();
  }
  return 0;
}
