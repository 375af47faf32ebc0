// compile's part for sources of issuers' keys: the ones that filters name, each once, with TLS made ready and a
// number by which a reload knows them again. Lives for one compile.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "pipeline/key_source.h"
#include "snapshot/compile/context.h"

namespace weir::snapshot {

class KeySourceBook {
 public:
  explicit KeySourceBook(CompileContext& context) noexcept : context_(context) {}

  // Takes `spec` into context.out.key_sources unless it is there. The error is a sentence.
  std::expected<std::uint64_t, std::string> add(pipeline::KeySourceSpec spec);

 private:
  using TlsContext = std::shared_ptr<const io::TlsClientContext>;
  std::expected<TlsContext, std::string> tls(const std::string& ca_file);

  CompileContext& context_;
  std::map<std::string, TlsContext> tls_;  // by ca_file: a context takes tens of milliseconds
};

}  // namespace weir::snapshot
