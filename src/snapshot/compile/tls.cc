#include "snapshot/compile/tls.h"

#include <fmt/format.h>

#include "crypto/digest.h"
#include "io/tls/tls_certificate.h"
#include "snapshot/document.h"

namespace weir::snapshot {
namespace {

io::TlsClientSettings settings_of(const Fields& tls, std::string_view base_dir) {
  const auto file = [&](std::string_view name) {
    return tls.has(name) ? resolve_file(base_dir, tls.string(name)) : std::string();
  };
  io::TlsClientSettings out;
  out.server_name = tls.string("server_name");
  out.ca_file = file("ca_file");
  out.verify = tls.boolean("verify");
  if (tls.has("cert_file")) out.certificate = io::CertificateFiles{file("cert_file"), file("key_file")};
  return out;
}

// What cannot be read is TlsClientContext::make's to report.
std::string key_of(const io::TlsClientSettings& settings) {
  std::string out = fmt::format("server_name={} verify={}", settings.server_name, settings.verify);
  const auto add = [&](const std::string& file, std::string_view field) {
    const auto bytes = file.empty() ? std::string() : io::read_pem_file(file, "", field).value_or("");
    out += fmt::format(" {}={}", field, file.empty() ? "" : crypto::sha256_hex(bytes));
  };
  add(settings.ca_file, "ca_file");
  add(settings.certificate ? settings.certificate->cert_file : "", "cert_file");
  add(settings.certificate ? settings.certificate->key_file : "", "key_file");
  return out;
}

}  // namespace

std::optional<ClientTls> client_tls(CompileContext& context, const Fields& tls) {
  if (tls.has("cert_file") != tls.has("key_file")) {
    const std::string_view there = tls.has("cert_file") ? "cert_file" : "key_file";
    const std::string_view missing = tls.has("cert_file") ? "key_file" : "cert_file";
    context.report(tls.problem(there, fmt::format("needs {}: a certificate and its key go together", missing)));
    return std::nullopt;
  }
  ClientTls out{settings_of(tls, context.options.base_dir), {}};
  std::vector<std::string>& files = context.out.files;
  if (!out.settings.ca_file.empty()) files.push_back(out.settings.ca_file);
  if (out.settings.certificate)
    files.insert(files.end(), {out.settings.certificate->cert_file, out.settings.certificate->key_file});
  out.key = key_of(out.settings);
  return out;
}

std::shared_ptr<const io::TlsClientContext> make_client_tls(CompileContext& context, const Fields& tls,
                                                            const ClientTls& settings) {
  auto made = io::TlsClientContext::make(settings.settings);
  if (!made) {
    Problem problem = std::move(made.error());
    problem.position = position_at(tls.json(), problem.path);
    problem.path = join_path(tls.path(), problem.path);
    context.report(std::move(problem));
    return nullptr;
  }
  for (const std::string& warning : (*made)->warnings()) {
    context.out.warnings.push_back(tls.path() + ": " + warning);
  }
  return *made;
}

}  // namespace weir::snapshot
