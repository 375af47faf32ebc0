// Filter ip_filter: admits or refuses by the client's address, which is the one behind trusted proxies and never what
// an untrusted header says. Exchange's thread.
#include "base/ip.h"
#include "filters/config/config.h"
#include "filters/pre_auth/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Verdict;

bool is_block(std::string_view text, std::string& why) { return Cidr::parse(text, &why).has_value(); }

Schema blocks() { return schema::array(schema::string().named("address block").format(is_block)); }

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("allow", blocks())
          .doc("Only clients in one of these blocks may come in (\"10.0.0.0/8\", \"2001:db8::/32\" or one address). "
               "Empty: everybody who is not denied."),
      schema::field("deny", blocks()).doc("Clients in one of these blocks are refused, also if `allow` has them."),
  });
  return kSchema;
}

class IpFilter final : public pipeline::Filter {
 public:
  IpFilter(CidrSet allow, CidrSet deny) : allow_(std::move(allow)), deny_(std::move(deny)) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const bool denied = deny_.contains(exchange.client) || (!allow_.empty() && !allow_.contains(exchange.client));
    return denied ? Verdict::refuse(Reason::ip_denied) : Verdict::next();
  }

 private:
  CidrSet allow_;
  CidrSet deny_;
};

CidrSet read(const Fields& fields, std::string_view name) {
  std::vector<Cidr> out;
  for (const Json& item : fields.items(name)) out.push_back(*Cidr::parse(item.as_string()));
  return CidrSet(out);
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  if (fields.items("allow").empty() && fields.items("deny").empty()) {
    return std::unexpected(Problems{{config.position, {}, "\"allow\" and \"deny\" are both empty", {}}});
  }
  return std::make_unique<IpFilter>(read(fields, "allow"), read(fields, "deny"));
}

}  // namespace

pipeline::FilterSpec ip_filter_spec() {
  return {"ip_filter", pipeline::Phase::pre_auth, "Admits or refuses clients by their address.", schema_of, make};
}

}  // namespace weir::filters
