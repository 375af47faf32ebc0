// compile's part for `listeners` and `admin`: addresses, certificates, and who may send a PROXY header.
#include <charconv>

#include "base/json/nearest.h"
#include "io/tls/tls_server.h"
#include "snapshot/compile/context.h"
#include "snapshot/compile/sealed.h"
#include "snapshot/compile/tls.h"
#include "snapshot/document.h"

namespace weir::snapshot {

namespace {

// The certificates of one listener, and where each stands.
class ShownCertificates {
 public:
  struct One {
    io::CertificateFiles files;
    std::string path;                                // of the item, if it names files
    const SealedBook::Certificate* named = nullptr;  // or the one of `certificates`
  };

  ShownCertificates(CompileContext& context, const Fields& tls) : context_(context), tls_(tls) {}

  // False: problems were reported.
  bool read() {
    const std::size_t problems_before = context_.problems.size();
    const Json::Array& items = tls_.items("certificates");
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string path = item_path(tls_.path("certificates"), i);
      if (items[i].is_object())
        add(items[i], path);
      else
        add_all(items[i], path);
    }
    // Without any, those there are have been refused where they stand.
    return context_.problems.size() == problems_before && !list_.empty();
  }

  const std::vector<One>& list() const noexcept { return list_; }

  // A problem whose path begins with the certificate's number in the list.
  Problem place(Problem problem) const {
    constexpr std::string_view kBegin = "certificates[";
    std::size_t number = list_.size();
    if (problem.path.starts_with(kBegin))
      std::from_chars(problem.path.data() + kBegin.size(), problem.path.data() + problem.path.size(), number);
    if (number >= list_.size()) {
      problem.path = join_path(tls_.path(), problem.path);
    } else if (list_[number].named != nullptr) {
      return context_.sealed->place(std::move(problem), *list_[number].named);
    } else {
      const std::size_t end = problem.path.find(']') + 1;
      problem.path = list_[number].path + problem.path.substr(end);
    }
    problem.position = position_at(context_.document.json(), problem.path);
    return problem;
  }

 private:
  void report(const Json& at, const std::string& path, std::string message, std::string hint) {
    context_.report({at.position, path, std::move(message), std::move(hint)});
  }

  void add(const Json& item, const std::string& path) {
    const Json *cert = item.find("cert_file"), *key = item.find("key_file"), *name = item.find("name");
    if (name != nullptr ? cert != nullptr || key != nullptr : cert == nullptr || key == nullptr)
      return report(item, path, "needs cert_file and key_file, or the name of one of `certificates`", "");
    if (name == nullptr) {
      One one{.files = {resolve_file(context_.options.base_dir, cert->as_string()),
                        resolve_file(context_.options.base_dir, key->as_string())},
              .path = path};
      context_.out.files.insert(context_.out.files.end(), {one.files.cert_file, one.files.key_file});
      list_.push_back(std::move(one));
      return;
    }
    SealedBook::Certificate* found = context_.sealed->certificate(name->as_string());
    if (found == nullptr)
      return report(*name, path + ".name", "no certificate is named \"" + std::string(name->as_string()) + "\"",
                    did_you_mean(name->as_string(), context_.sealed->certificate_names(), "known certificates"));
    add_named(*found);
  }

  void add_all(const Json& item, const std::string& path) {
    for (SealedBook::Certificate& one : context_.sealed->certificates()) add_named(one);
    if (list_.empty() && context_.sealed->certificates().empty())
      report(item, path, "the config has no `certificates`, and TLS needs at least one",
             "add one there, or name files before \"all\": they are shown as long as nothing else fits");
  }

  void add_named(SealedBook::Certificate& one) {
    const bool there = std::ranges::find(list_, &one, &One::named) != list_.end();
    if (!there && context_.sealed->use(one)) list_.push_back({.files = one.files, .path = {}, .named = &one});
  }

  CompileContext& context_;
  const Fields& tls_;
  std::vector<One> list_;
};

}  // namespace

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
  ShownCertificates shown(context, tls);
  if (!shown.read()) return nullptr;
  for (const auto& one : shown.list()) settings.certificates.push_back(one.files);
  auto made = io::TlsServerContext::make(settings, context.options.ticket_keys);
  if (!made) {
    context.report(shown.place(std::move(made.error())));
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
