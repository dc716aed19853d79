// The embedded fleet's network: every worker in a network namespace of its own, with a virtual
// cable to a bridge in one more namespace. The host's namespace gets no link, address or route.
// Needs root. Thread: one. Errors: os.error with what the `ip` program said.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "client/cli/up/record.hpp"

namespace weft::cli {

std::string bridge_namespace(const std::string& tag);
std::string node_namespace(const std::string& tag, const std::string& node);
std::string node_address(std::uint32_t index);                   // from 1: 10.77.x.y, inside only
std::vector<std::string> namespaces_of(const std::string& tag);  // those that exist

bool network_possible();  // may we make namespaces here?
Result<void> make_network(const std::string& tag, const std::vector<UpNode>& nodes);
// Whatever exists of it; nothing is left when this returns without an error.
Result<void> remove_network(const std::string& tag);

}  // namespace weft::cli
