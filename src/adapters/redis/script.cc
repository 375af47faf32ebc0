#include "adapters/redis/script.h"

#include <utility>

#include "crypto/digest.h"

namespace weir::adapters::redis {

Script::Script(std::string source) : source_(std::move(source)), sha1_(crypto::sha1_hex(source_)) {}

}  // namespace weir::adapters::redis
