// compile's part for `listeners` and `admin`: addresses, certificates, and who may send a PROXY header.
#include "io/tls_server.h"
#include "snapshot/compile_context.h"
#include "snapshot/compile_tls.h"
#include "snapshot/document.h"

namespace weir::snapshot {

std::shared_ptr<const io::TlsServerContext> server_tls(CompileContext& context, const Fields& tls) {
  io::TlsServerSettings settings;
  settings.min_version = tls.string("min_version");
  if (tls.has("client_ca_file")) {
    settings.client_ca_file = resolve_file(context.options.base_dir, tls.string("client_ca_file"));
    settings.client_required = tls.string("client_auth") != "optional";
    settings.client_verify_depth = static_cast<int>(tls.integer("client_verify_depth"));
    context.out.files.push_back(settings.client_ca_file);
  } else if (tls.has("client_auth")) {
    context.report(tls.problem("client_auth", "there is no client_ca_file to verify client certificates with",
                               "name one, or leave this out"));
  }
  for (const Fields& files : tls.objects("certificates")) {
    settings.certificates.push_back({resolve_file(context.options.base_dir, files.string("cert_file")),
                                     resolve_file(context.options.base_dir, files.string("key_file"))});
    const auto& named = settings.certificates.back();
    context.out.files.insert(context.out.files.end(), {named.cert_file, named.key_file});
  }
  auto made = io::TlsServerContext::make(settings, context.options.ticket_keys);
  if (!made) {
    Problem problem = std::move(made.error());
    problem.position = position_at(tls.json(), problem.path);
    problem.path = join_path(tls.path(), problem.path);
    context.report(std::move(problem));
    return nullptr;
  }
  for (const std::string& warning : (*made)->warnings()) context.out.warnings.push_back(tls.path() + ": " + warning);
  return *made;
}

namespace {

// Port 0 is another port each time.
bool is_fixed(const SocketAddress& address) { return address.is_unix() || address.port() != 0; }

}  // namespace

void compile_listeners(CompileContext& context) {
  std::vector<std::pair<SocketAddress, std::string>> taken;  // with the path of the field that took it
  const auto take = [&](const Fields& fields) {
    const SocketAddress address = *SocketAddress::parse(fields.string("address"));
    const auto before = std::ranges::find(taken, address, &std::pair<SocketAddress, std::string>::first);
    if (is_fixed(address) && before != taken.end()) {
      context.report(
          fields.problem("address", "the address " + address.to_string() + " is already that of " + before->second));
    }
    taken.emplace_back(address, fields.path());
    return address;
  };

  for (const Fields& fields : context.document.objects("listeners")) {
    ListenerSpec listener;
    listener.address = take(fields);
    listener.text = fields.string("address");
    if (fields.has("tls")) listener.tls = server_tls(context, fields.object("tls"));
    if (fields.has("proxy_protocol")) {
      std::vector<Cidr> from;
      for (const std::string& text : fields.object("proxy_protocol").strings("trusted")) {
        from.push_back(*Cidr::parse(text));
      }
      listener.proxy_protocol = true;
      listener.proxy_protocol_from = CidrSet(from);
    }
    context.out.listeners.push_back(std::move(listener));
  }
  if (context.document.has("admin")) context.out.admin = take(context.document.object("admin"));
}

}  // namespace weir::snapshot
