// fuzz: base/* adapters/yaml
// A config file from anywhere: loaded as YAML, checked against a schema with one of everything, and read through
// Fields if it passes. Every problem has a message; every loaded value survives the canonical form.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/yaml/load.h"
#include "base/ip.h"
#include "base/json/fields.h"

namespace {

using namespace std::chrono_literals;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_address(std::string_view text, std::string& why) {
  return weir::SocketAddress::parse(text, &why).has_value();
}
bool is_block(std::string_view text, std::string& why) { return weir::Cidr::parse(text, &why).has_value(); }

weir::Schema route() {
  using namespace weir::schema;
  return object({
      field("route_id", string().min_length(1)).required(),
      field("http_methods", array(string().words({"GET", "POST"})).unique()),
      field("timeout", duration(1ms, 1h)).fallback("30s"),
      field("max_body", size(0, 1 << 20)).fallback("64KiB"),
      field("set", map(string())),
      field("plugin_chain",
            array(one_of({string(), object({field("name", string()).required(), field("with", any())})}))),
  });
}

const weir::Schema& config() {
  using namespace weir::schema;
  static const weir::Schema kConfig = object({
      field("listeners", array(object({field("address", string().format(is_address)).required()}))),
      field("trusted", array(string().format(is_block))),
      field("routes", array(route())),
  });
  return kConfig;
}

void read(const weir::Json& json) {
  const weir::Fields fields(json, config());
  for (const weir::Fields& listener : fields.objects("listeners")) {
    require(weir::SocketAddress::parse(listener.string("address")).has_value());
  }
  for (const weir::Fields& each : fields.objects("routes")) {
    require(!each.string("route_id").empty());
    require(each.duration("timeout") >= 1ms && each.duration("timeout") <= 1h);
    require(each.size("max_body") >= 0 && each.size("max_body") <= 1 << 20);
    require(each.strings("http_methods").size() <= 2);
  }
}

}  // namespace

// Why: libfyaml 0.7.12 loses its scratch buffer (2 KiB) when it gives up inside a long token. A file that is refused
// costs that much once per reload; leaks of ours are still reported.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfyaml.so"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = weir::yaml::load(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!json) {
    require(!json.error().message.empty());
    return 0;
  }
  const std::string canonical = to_canonical(*json);
  const auto again = weir::parse_json(canonical);
  require(again.has_value() && to_canonical(*again) == canonical);
  const weir::Problems problems = weir::check(*json, config());
  for (const weir::Problem& problem : problems)
    require(!describe(problem, "f").empty() && problem.position.line >= 1);
  if (problems.empty()) read(*json);
  return 0;
}
