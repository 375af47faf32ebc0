// Filter mtls: who calls, by the client certificate that the listener asked for and verified (listeners[].tls,
// client_ca_file). It only maps the certificate to a consumer of the config. Exchange's thread.
#include "base/json/fields.h"
#include "filters/auth/caller.h"
#include "filters/auth/specs.h"
#include "io/stream.h"
#include "io/tls/tls_peer.h"
#include "pipeline/make_context.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({});
  return kSchema;
}

class Mtls final : public pipeline::Filter {
 public:
  explicit Mtls(const identity::ConsumerBook* consumers) : consumers_(consumers) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    ssl_st* session = exchange.writer.stream().ssl();
    const io::TlsPeer* peer = session == nullptr ? nullptr : io::tls_peer(session);
    if (peer == nullptr) return Verdict::next();
    judge(exchange, *peer);
    return Verdict::next();
  }

 private:
  void judge(Exchange& exchange, const io::TlsPeer& peer) const {
    // Verified at the handshake; a connection, or a session that is resumed, may outlive the certificate.
    const std::int64_t now = exchange.wall_started_us / 1'000'000;
    if (now < peer.not_before || now > peer.not_after)
      return exchange.auth.fail(Reason::invalid_credential, "the client certificate has expired");
    const identity::Consumer* consumer =
        consumers_ == nullptr ? nullptr
                              : consumers_->by_certificate({peer.subject, peer.san_views, peer.fingerprint});
    if (consumer == nullptr)
      return exchange.auth.fail(Reason::invalid_credential, "the client certificate is no consumer's");
    // The connection outlives the exchange, and the session the connection.
    exchange.auth.establish(caller(pipeline::CredentialKind::mtls, *consumer, peer.fingerprint));
  }

  const identity::ConsumerBook* consumers_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json&, pipeline::MakeContext& context) {
  if (!context.client_certificates()) {
    return std::unexpected(
        Problems{{{}, {}, "no listener asks clients for a certificate", "give one tls: {client_ca_file: …}"}});
  }
  return std::make_unique<Mtls>(context.consumers());
}

}  // namespace

pipeline::FilterSpec mtls_spec() {
  return {"mtls", pipeline::Phase::auth, "Establishes who calls by a verified client certificate.", schema_of, make};
}

}  // namespace weir::filters
