#include "gateway/keys/key_fetch.h"

#include <charconv>

namespace weir::gateway {
namespace {

using namespace std::chrono_literals;
using Outcome = std::expected<upstream::Fetched, std::string>;

constexpr auto kLook = 5ms;
constexpr std::chrono::seconds kShortest = 60s;
constexpr std::chrono::seconds kLongest = 3600s;
constexpr std::chrono::seconds kUnsaid = 600s;  // as Envoy's jwt_authn has it

// The addresses of a name as the directory has them or gets them; empty: none, or not in time.
io::Task<std::vector<IpAddress>> look_up(io::Loop& loop, upstream::Directory& directory, std::string name,
                                         io::TimePoint deadline) {
  std::vector<IpAddress> out;
  directory.watch(name);
  directory.poll(loop.now());
  while (directory.addresses(name).empty() && directory.last_error(name).empty() && loop.now() < deadline) {
    co_await io::sleep(loop, kLook);
    directory.poll(loop.now());
  }
  const auto found = directory.addresses(name);
  out.assign(found.begin(), found.end());
  directory.unwatch(name);
  co_return out;
}

pipeline::UpstreamSpec upstream_for(const pipeline::KeyUrl& url, const pipeline::KeySourceSpec& source) {
  pipeline::UpstreamSpec out;
  out.name = url.authority;
  pipeline::TargetSpec& target = out.targets.emplace_back();
  target.address = url.authority;
  if (const auto ip = IpAddress::parse(url.host)) {
    target.socket = SocketAddress(*ip, url.port);
  } else {
    target.host = url.host;
    target.socket = SocketAddress(IpAddress(), url.port);
  }
  if (url.https) {
    out.tls = source.tls;
    out.server_name = url.host;
  }
  out.connect_timeout = kKeyFetchTimeout;
  out.first_byte_timeout = kKeyFetchTimeout;
  out.idle_timeout = kKeyFetchTimeout;
  return out;
}

std::string sentence(const Error& error) {
  std::string out(info(error.reason).title);
  if (!error.detail.empty()) out.append(" (").append(error.detail).append(")");
  return out;
}

}  // namespace

io::Task<Outcome> fetch_key_document(io::Loop& loop, upstream::Directory& directory, http::BufferPool& buffers,
                                     const pipeline::KeySourceSpec& source, std::string address,
                                     io::TimePoint deadline, upstream::Cancellation* cancellation) {
  const auto url = pipeline::parse_key_url(address, source.allow_http);
  if (!url) co_return Outcome(std::unexpect, url.error());
  upstream::Upstream issuer(loop, upstream_for(*url, source));
  if (const auto ip = IpAddress::parse(url->host)) {
    if (!source.allow_private && is_private(*ip)) co_return Outcome(std::unexpect, "a private address is refused");
  } else {
    std::vector<IpAddress> addresses = co_await look_up(loop, directory, url->host, deadline);
    if (addresses.empty()) co_return Outcome(std::unexpect, "its name has no address");
    if (!source.allow_private) std::erase_if(addresses, [](const IpAddress& each) { return is_private(each); });
    if (addresses.empty()) co_return Outcome(std::unexpect, "its name has private addresses only, which are refused");
    issuer.resolved(url->host, addresses);
  }
  upstream::FetchRequest request{.authority = url->authority, .target = url->target};
  request.fields.append("Accept", "application/json, application/jwk-set+json");
  Result<upstream::Fetched> fetched =
      co_await upstream::fetch(issuer, buffers, request, deadline, kLargestKeyDocument, cancellation);
  if (!fetched) co_return Outcome(std::unexpect, sentence(fetched.error()));
  if (fetched->status >= 300 && fetched->status < 400)
    co_return Outcome(std::unexpect, "it answers with a redirect, and none is followed");
  if (fetched->status != 200)
    co_return Outcome(std::unexpect, "it answers with status " + std::to_string(fetched->status));
  co_return Outcome(std::move(*fetched));
}

std::chrono::seconds freshness(std::string_view cache_control) noexcept {
  if (cache_control.find("no-store") != std::string_view::npos ||
      cache_control.find("no-cache") != std::string_view::npos)
    return kShortest;
  const std::size_t at = cache_control.find("max-age=");
  // "s-maxage" is for shared caches, which Weir's is not; it does not hold this text.
  if (at == std::string_view::npos) return kUnsaid;
  std::int64_t seconds = 0;
  const std::string_view digits = cache_control.substr(at + 8);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (read.ec == std::errc::result_out_of_range) return kLongest;
  if (read.ec != std::errc()) return kUnsaid;
  return std::clamp(std::chrono::seconds(seconds), kShortest, kLongest);
}

}  // namespace weir::gateway
