// Leases as tables, for `lease`, `accept` and `bill`.
#pragma once
#include <map>
#include <string>

#include "client/client.hpp"

namespace weft::cli {

using NodeNames = std::map<NodeId, std::string>;
NodeNames node_names(client::Client& client, const client::CallOptions& options);
std::string names_of(const std::vector<NodeId>& nodes, const NodeNames& names);
void print_leases(const LeaseList& list, const NodeNames& names);

}  // namespace weft::cli
