// fuzz: filters/*
// Signature-Input and Signature as any client may send them, and an API key: no crash, no view outside the input, and
// a base that ends with what was sent.
#include "filters/auth/http_signature.h"

#include <cstdlib>

#include "identity/api_key.h"

namespace {

bool anybody(const void*, std::string_view) { return true; }

bool inside(std::string_view whole, std::string_view part) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)weir::identity::parse_api_key(text);
  const std::size_t cut = text.find('\n');
  const std::string_view input = text.substr(0, cut);
  weir::http::Fields fields;
  fields.append("Signature-Input", input);
  fields.append("Signature", cut == std::string_view::npos ? std::string_view("a=:AAAA:") : text.substr(cut + 1));
  const auto found = weir::filters::read_signature(fields, &anybody, nullptr);
  if (!found || !found->has_value()) return 0;
  const weir::filters::HttpSignature& one = **found;
  for (const std::string_view part : {one.label, one.input, one.key_id, one.algorithm, one.nonce, one.tag})
    if (!inside(input, part)) std::abort();
  for (const std::string_view component : one.covered())
    if (!inside(input, component) || component.empty()) std::abort();
  return 0;
}
