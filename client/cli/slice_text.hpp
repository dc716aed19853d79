// Words for slices, for the verbs of `weft slice`.
#pragma once
#include <string>

#include "base/result.hpp"
#include "client/cli/flags.hpp"
#include "schemas/replies.hpp"

namespace weft::cli {

struct SliceSize {
  int hosts = 0, leaf_links = 0, spine_links = 0;
};
SliceSize size_of(const Links& links);
std::string shape_of(const Slice& slice);
std::string key_of(const Slice& slice);  // "-" where the fabric has none
std::string joined(const std::vector<std::string>& nodes);
void take_slice(Flags& flags, LeaseId& id);

}  // namespace weft::cli
