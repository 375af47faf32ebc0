// The pepper beside a store file: what API keys are hashed with when the config names no pepper of its own. Made by
// `weir key`, read by the gateway. Blocking.
#pragma once

#include <expected>
#include <string>

namespace weir::app {

// The errors are sentences.
std::expected<std::string, std::string> read_pepper(const std::string& file);
// Makes the file, readable by its owner only, if it is not there; never overwrites one.
std::expected<std::string, std::string> read_or_make_pepper(const std::string& file);

}  // namespace weir::app
