// Network namespaces by name, as ip-netns(8) keeps them: a file in /run/netns for each.
// Needs root. Thread: any; what runs inside a namespace runs in a thread of its own, so that no
// thread of the caller ever changes its namespace. Errors: os.error.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace weft::broker::netns {

std::string path_of(std::string_view name);
bool exists(std::string_view name);
std::vector<std::string> with_prefix(std::string_view head);  // sorted

Result<void> make(const std::string& name);    // os.error where there is one already
Result<void> remove(const std::string& name);  // nothing is not an error
// Calls `work` inside; its interfaces, its /proc/sys/net.
Result<void> inside(const std::string& name, const std::function<Result<void>()>& work);
// Moves the calling thread: for a process that has just been forked.
Result<void> enter(const std::string& name);

}  // namespace weft::broker::netns
