#include "snapshot/compile/sealed.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/json/nearest.h"
#include "identity/seal.h"
#include "io/tls/tls_certificate.h"
#include "snapshot/document.h"

namespace weir::snapshot {
namespace {

constexpr std::string_view kWhereTheKeyIs =
    "give it as master_key_env or master_key_file (of control_plane, if there is one)";

int count(const Fields& fields, std::initializer_list<std::string_view> names) {
  int out = 0;
  for (const std::string_view name : names) out += fields.has(name) ? 1 : 0;
  return out;
}

}  // namespace

SealedBook::SealedBook(CompileContext& context) : context_(context) {
  for (const Fields& fields : context.document.objects("secrets")) add_secret(fields);
  for (const Fields& fields : context.document.objects("certificates")) add_certificate(fields);
}

void SealedBook::add_secret(const Fields& fields) {
  const std::string name(fields.string("name"));
  const auto [at, fresh] = secrets_.try_emplace(name);
  if (!fresh) return context_.report(fields.problem("name", fmt::format("the secret \"{}\" is already there", name)));
  if (!identity::is_sealed(fields.string("value"))) {
    at->second = std::unexpected("is not sealed");
    return context_.report(
        fields.problem("value", "is not sealed text (sealed:v1:…)",
                       "nothing secret stands in a config in plain: name a file or an environment variable where it "
                       "is used (secret_file, secret_env), or give it to the control plane, which seals it"));
  }
  at->second = open(fields.string("value"), identity::about_secret(name));
  if (!at->second && !master_key().empty()) context_.report(fields.problem("value", at->second.error()));
}

void SealedBook::add_certificate(const Fields& fields) {
  Certificate out;
  out.name = fields.string("name");
  out.path = fields.path();
  const std::size_t problems_before = context_.problems.size();
  if (certificate(out.name) != nullptr)
    context_.report(fields.problem("name", fmt::format("the certificate \"{}\" is already there", out.name)));
  if (count(fields, {"cert_pem", "cert_file"}) != 1)
    context_.report({fields.json().position, fields.path(), "needs one of cert_pem and cert_file", ""});
  if (count(fields, {"key", "key_file", "key_env"}) != 1)
    context_.report({fields.json().position, fields.path(), "needs one of key (sealed), key_file and key_env", ""});
  if (context_.problems.size() == problems_before) {
    out.cert_field = fields.has("cert_pem") ? "cert_pem" : "cert_file";
    out.files.cert_text = fields.string("cert_pem");
    out.files.cert_file = fields.has("cert_pem")
                              ? fmt::format("the certificate \"{}\"", out.name)
                              : resolve_file(context_.options.base_dir, fields.string("cert_file"));
    if (fields.has("cert_file")) context_.out.files.push_back(out.files.cert_file);
    set_key(fields, out);
  }
  out.refused = context_.problems.size() != problems_before;
  certificates_.push_back(std::move(out));
}

void SealedBook::set_key(const Fields& fields, Certificate& out) {
  out.files.key_file = fmt::format("the key of \"{}\"", out.name);
  if (fields.has("key_file")) {
    out.key_field = "key_file";
    out.files.key_file = resolve_file(context_.options.base_dir, fields.string("key_file"));
    context_.out.files.push_back(out.files.key_file);
  } else if (fields.has("key_env")) {
    out.key_field = "key_env";
    const std::string variable(fields.string("key_env"));
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0')
      return context_.report(fields.problem("key_env", "the environment variable " + variable + " is not set"));
    out.files.key_text = value;
  } else {
    out.key_field = "key";
    if (!identity::is_sealed(fields.string("key")))
      return context_.report(fields.problem("key", "is not sealed text (sealed:v1:…)",
                                            "a private key does not stand in a config in plain: use key_file or "
                                            "key_env, or give it to the control plane, which seals it"));
    auto opened = open(fields.string("key"), identity::about_certificate(out.name));
    if (opened && opened->empty())
      context_.report(fields.problem("key", "has no key sealed in it"));
    else if (opened)
      out.files.key_text = std::move(*opened);
    else if (!master_key().empty())
      context_.report(fields.problem("key", opened.error()));
  }
}

const std::string& SealedBook::master_key() {
  if (master_key_) return *master_key_;
  master_key_ = context_.options.master_key;
  if (master_key_->empty() && count(context_.document, {"master_key_env", "master_key_file"}) != 0) {
    auto key = context_.read_secret(context_.document, "master_key");
    if (!key)
      context_.report(std::move(key.error()));
    else if (key->size() < identity::kShortestMasterKey)
      context_.report(
          context_.document.problem(context_.document.has("master_key_env") ? "master_key_env" : "master_key_file",
                                    "holds fewer than 32 characters", "`openssl rand -hex 32` makes a key"));
    else
      master_key_ = std::move(*key);
  }
  // What is wrong with these fields is reported where their sections are compiled.
  const auto read = [&](std::string_view section) {
    if (!master_key_->empty() || !context_.document.has(section)) return;
    const Fields fields = context_.document.object(section);
    if (fields.json().find("master_key_env") == nullptr && fields.json().find("master_key_file") == nullptr) return;
    if (auto key = context_.read_secret(fields, "master_key")) master_key_ = std::move(*key);
  };
  read("control_plane");
  read("control");
  read_beside_database();
  return *master_key_;
}

// The key that a control plane on SQLite makes itself (set_keys of control.cc); it is there once it has begun.
void SealedBook::read_beside_database() {
  if (!master_key_->empty() || !context_.document.has("control")) return;
  const Fields control = context_.document.object("control");
  const Json& json = control.json();
  if (json.find("master_key_env") != nullptr || json.find("master_key_file") != nullptr) return;
  const std::string_view database = control.string("database");
  if (database.empty() || database.find("://") != std::string_view::npos) return;
  auto key = context_.read_file(std::string(database) + ".master_key");
  if (!key) return;
  while (key->ends_with('\n') || key->ends_with('\r')) key->pop_back();
  master_key_ = std::move(*key);
}

std::expected<std::string, std::string> SealedBook::open(std::string_view sealed, std::string_view about) {
  if (master_key().empty())
    return std::unexpected(fmt::format("is sealed, and there is no master key here to open it; {}", kWhereTheKeyIs));
  return identity::unseal(sealed, master_key(), about);
}

std::expected<std::string, std::string> SealedBook::secret(std::string_view name) {
  const auto at = secrets_.find(name);
  if (at == secrets_.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, value] : secrets_) names.push_back(known);
    const std::string hint = did_you_mean(name, names, "known secrets");
    return std::unexpected(fmt::format("no secret is named \"{}\"{}{}", name, hint.empty() ? "" : "; ", hint));
  }
  if (at->second) return *at->second;
  return std::unexpected(fmt::format("the secret \"{}\" {}", name, at->second.error()));
}

SealedBook::Certificate* SealedBook::certificate(std::string_view name) noexcept {
  const auto at = std::ranges::find(certificates_, name, &Certificate::name);
  return at == certificates_.end() ? nullptr : &*at;
}

std::vector<std::string_view> SealedBook::certificate_names() const {
  std::vector<std::string_view> out;
  for (const Certificate& one : certificates_) out.push_back(one.name);
  return out;
}

bool SealedBook::use(Certificate& certificate) {
  certificate.used = true;
  if (certificate.refused) return false;
  if (certificate.key_field == "key" && certificate.files.key_text.empty()) {
    certificate.refused = true;
    const std::string path = certificate.path + ".key";
    context_.report({position_at(context_.document.json(), path), path,
                     "is sealed, and there is no master key here to open it", std::string(kWhereTheKeyIs)});
    return false;
  }
  return true;
}

void SealedBook::check_unused() {
  for (Certificate& one : certificates_) {
    if (one.used || one.refused || (one.key_field == "key" && one.files.key_text.empty())) continue;
    auto loaded = io::load_certificate(one.files, one.path);
    if (!loaded) context_.report(place(std::move(loaded.error()), one));
  }
}

Problem SealedBook::place(Problem problem, const Certificate& certificate) const {
  const bool of_key = problem.path.ends_with(".key_file");
  problem.path = join_path(certificate.path, of_key ? certificate.key_field : certificate.cert_field);
  problem.position = position_at(context_.document.json(), problem.path);
  return problem;
}

}  // namespace weir::snapshot
