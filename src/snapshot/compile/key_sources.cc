#include "snapshot/compile/key_sources.h"

#include "base/hash.h"
#include "crypto/digest.h"
#include "io/tls/tls_client.h"
#include "snapshot/document.h"

namespace weir::snapshot {

std::expected<KeySourceBook::TlsContext, std::string> KeySourceBook::tls(const std::string& ca_file) {
  TlsContext& context = tls_[ca_file];
  if (context == nullptr) {
    auto made = io::TlsClientContext::make({.ca_file = ca_file});
    if (!made) return std::unexpected(made.error().message);
    context = *made;
  }
  return context;
}

std::expected<std::uint64_t, std::string> KeySourceBook::add(pipeline::KeySourceSpec spec) {
  const std::string url = spec.url.empty() ? pipeline::discovery_url(spec.issuer) : spec.url;
  if (auto parsed = pipeline::parse_key_url(url, spec.allow_http); !parsed) return std::unexpected(parsed.error());
  std::string key = spec.url + '\n' + spec.issuer + '\n';
  for (const bool flag : {spec.allow_http, spec.allow_private}) key += flag ? '1' : '0';
  for (std::size_t i = 0; i < jose::kAlgorithms; ++i) {
    const auto algorithm = static_cast<jose::Algorithm>(i);
    key += spec.rules.allowed.contains(algorithm) ? '1' : '0';
    key += spec.rules.rsa.contains(algorithm) ? '1' : '0';
  }
  if (!spec.ca_file.empty()) {
    // By its contents, so that renewed authorities are used.
    auto text = context_.read_file(spec.ca_file);
    if (!text) return std::unexpected(text.error());
    spec.ca_file = resolve_file(context_.options.base_dir, spec.ca_file);
    key += '\n' + crypto::sha256_hex(*text);
  }
  spec.id = stable_hash(key);
  for (const pipeline::KeySourceSpec& other : context_.out.key_sources)
    if (other.id == spec.id) return spec.id;
  auto context = tls(spec.ca_file);
  if (!context) return std::unexpected(context.error());
  spec.tls = *context;
  context_.out.key_sources.push_back(std::move(spec));
  return context_.out.key_sources.back().id;
}

}  // namespace weir::snapshot
