#include "adapters/redis/script.h"

#include <utility>

#include "io/sha1.h"

namespace weir::adapters::redis {

Script::Script(std::string source) : source_(std::move(source)), sha1_(io::sha1_hex(source_)) {}

}  // namespace weir::adapters::redis
