#include "upstream/registry.h"

namespace weir::upstream {
namespace {

std::string key_of(const pipeline::UpstreamSpec& spec) {
  return spec.name + '\n' + spec.server_name + '\n' + spec.tls_key;
}

}  // namespace

void Registry::apply_addresses(Upstream& upstream) {
  for (const auto& target : upstream.spec().targets) {
    if (target.host.empty()) continue;
    if (auto known = addresses_.find(target.host); known != addresses_.end())
      upstream.resolved(target.host, known->second);
  }
}

std::vector<Upstream*> Registry::enter(const std::vector<pipeline::UpstreamSpec>& specs) {
  std::vector<Upstream*> out;
  out.reserve(specs.size());
  for (const auto& spec : specs) {
    Entry& entry = entries_[key_of(spec)];
    if (!entry.upstream) {
      entry.upstream = std::make_unique<Upstream>(loop_, spec);
      apply_addresses(*entry.upstream);
    } else if (entry.upstream->reconcile(spec)) {
      apply_addresses(*entry.upstream);
    }
    ++entry.leases;
    out.push_back(entry.upstream.get());
  }
  return out;
}

void Registry::leave(const std::vector<Upstream*>& upstreams) {
  for (Upstream* upstream : upstreams) {
    auto entry = entries_.find(key_of(upstream->spec()));
    if (--entry->second.leases == 0) entries_.erase(entry);
  }
}

void Registry::resolved(const std::string& host, std::vector<IpAddress> addresses) {
  for (auto& [key, entry] : entries_) entry.upstream->resolved(host, addresses);
  addresses_[host] = std::move(addresses);
}

}  // namespace weir::upstream
