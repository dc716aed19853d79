// Whole files: read them, or replace them so that a reader sees the old or the new one and nothing
// between, also after a power cut. Thread: any. Errors: os_error.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace weft::broker {

Result<std::string> whole_file(const std::string& path);
// Written beside it, fsynced, renamed, folder fsynced. Mode 0644.
Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace weft::broker
