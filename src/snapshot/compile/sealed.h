// compile's part for `secrets` and `certificates`: what the config keeps only sealed, and who uses it. With a master
// key everything is opened and proven, used or not, so that nothing is published that a gateway cannot open; without
// one, only what is used is a problem. Lives for one compile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/tls/tls.h"
#include "snapshot/compile/context.h"

namespace weir::snapshot {

class SealedBook {
 public:
  // Reads both lists; problems of their form are reported.
  explicit SealedBook(CompileContext& context);

  // The secret of that name, opened; the error is a sentence.
  std::expected<std::string, std::string> secret(std::string_view name);

  // One of `certificates`, as TlsServerContext takes it. `path` is where it stands: "certificates[2]".
  struct Certificate {
    std::string name;
    std::string path;
    io::CertificateFiles files;  // its key is missing if it cannot be opened
    std::string_view cert_field, key_field;
    bool refused = false;  // reported already
    bool used = false;
  };
  std::vector<Certificate>& certificates() noexcept { return certificates_; }
  Certificate* certificate(std::string_view name) noexcept;
  std::vector<std::string_view> certificate_names() const;

  // Whether a listener can show it; if not, that has been reported.
  bool use(Certificate& certificate);
  // Proves those no listener uses.
  void check_unused();
  // A problem of io/tls/tls_certificate.h with one of them, at the field it is about.
  Problem place(Problem problem, const Certificate& certificate) const;

 private:
  void add_secret(const Fields& fields);
  void add_certificate(const Fields& fields);
  void set_key(const Fields& fields, Certificate& certificate);
  const std::string& master_key();
  void read_beside_database();
  // The error is a sentence without what was written.
  std::expected<std::string, std::string> open(std::string_view sealed, std::string_view about);

  CompileContext& context_;
  std::map<std::string, std::expected<std::string, std::string>, std::less<>> secrets_;
  std::vector<Certificate> certificates_;
  std::optional<std::string> master_key_;
};

}  // namespace weir::snapshot
