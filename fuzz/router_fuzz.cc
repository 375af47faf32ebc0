// fuzz: snapshot/* http/*
// Route sets and paths made from the input, the router held against the linear model of
// tests/snapshot/router/linear_router.h.
#include <cstdio>
#include <cstdlib>

#include "tests/snapshot/router/router_fuzz_case.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string broken = weir::snapshot::broken_router_property(input);
  if (!broken.empty()) {
    std::fprintf(stderr, "%s\n", broken.c_str());
    std::abort();
  }
  return 0;
}
