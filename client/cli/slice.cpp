// weft slice: the parts of the fabric that leases own.
#include <fmt/format.h>

#include <array>

#include "client/cli/leases.hpp"
#include "client/cli/output.hpp"
#include "client/cli/session.hpp"
#include "client/cli/slice_text.hpp"
#include "client/cli/verbs.hpp"

namespace weft::cli {
namespace {

Result<SliceList> fetch(client::Client& client, const Common& common) {
  auto reply = client.get<SliceList>(ListSlices{}, common.reading());
  if (reply && reply->driver.empty())
    return fail(Code::slice_unknown,
                "this broker knows no fabric: every node is one hop from every other; "
                "`fabric:` in broker.yaml, or `weft up --fabric FILE`");
  return reply;
}

// The one slice of this number.
Result<SliceList> fetch_one(const Common& common, LeaseId id) {
  auto client = connect(common, {"customer", "seller", "operator"});
  if (!client) return tl::make_unexpected(client.error());
  auto reply = fetch(**client, common);
  if (!reply) return reply;
  std::erase_if(reply->slices, [id](const SliceLine& line) { return line.lease != id; });
  if (reply->slices.empty())
    return fail(Code::slice_unknown,
                fmt::format("slice s{} is not known, or over; `weft slice list`", id.value));
  return reply;
}

void print(const SliceList& list) {
  Table table({"SLICE", "STATE", "SHAPE", ">NODES", ">UPLINKS", ">SPINE LINKS", "KEY", "ISOLATION",
               ">JOB", "NODES"});
  for (const SliceLine& line : list.slices) {
    const SliceSize n = size_of(line.slice.links);
    std::string names = joined(line.nodes);
    if (names.size() > 60) names = names.substr(0, 57) + "...";
    table.row({fmt::format("s{}", line.lease.value), std::string(to_string(line.slice.state)),
               shape_of(line.slice), std::to_string(n.hosts), std::to_string(n.leaf_links),
               std::to_string(n.spine_links), key_of(line.slice),
               line.slice.enforced ? "enforced" : "recorded",
               line.job ? std::to_string(line.job.value) : "-", names});
  }
  fmt::print("{}", table.text());
}

int slice_list(const Arguments& arguments) {
  Flags flags("slice list", "[flags]", "Lists slices; a seller sees those on its nodes.");
  Common common(Speaks::asks);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "seller", "operator"});
  if (!client) return refuse("slice list", client.error());
  auto reply = fetch(**client, common);
  if (!reply) return refuse("slice list", reply.error());
  if (common.json)
    print_json(*reply);
  else
    print(*reply);
  return exit_done;
}

int slice_show(const Arguments& arguments) {
  Flags flags("slice show", "SLICE [flags]", "Shows one slice: its links, and how it came to be.");
  Common common(Speaks::asks);
  LeaseId id;
  take_slice(flags, id);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto reply = fetch_one(common, id);
  if (!reply) return refuse("slice show", reply.error());
  if (common.json) {
    print_json(*reply);
    return exit_done;
  }
  print(*reply);
  const Slice& slice = reply->slices.front().slice;
  for (const SliceLeaf& leaf : slice.links.leaves)
    fmt::print("  leaf {}: hosts {:#x}, uplinks {:#x}\n", leaf.leaf, leaf.hosts, leaf.up);
  for (const SliceL2& l2 : slice.links.l2) fmt::print("  L2 {}: spine links {:#x}\n", l2.l2, l2.up);
  fmt::print("  {} since {}: {}\n", to_string(slice.state), clock_time(slice.at), slice.text);
  return exit_done;
}

int slice_verify(const Arguments& arguments) {
  Flags flags(
      "slice verify", "SLICE [flags]",
      "Reads the fabric again: every pair of nodes over the slice's own links only, nobody\n"
      "else's key or route. 5: something differs (and is programmed again at once).");
  Common common(Speaks::asks);
  LeaseId id;
  take_slice(flags, id);
  if (const int code = begin(flags, common, arguments); code >= 0) return code;
  auto client = connect(common, {"customer", "operator"});
  if (!client) return refuse("slice verify", client.error());
  auto reply = (*client)->get<SliceVerified>(VerifySlice{id}, common.reading());
  if (!reply) return refuse("slice verify", reply.error());
  const bool good = reply->differences.empty();
  if (common.json) {
    print_json(*reply);
  } else if (!reply->enforced) {
    fmt::print(
        "slice s{}: recorded only: nobody programs this fabric, so nothing can be read back\n",
        id.value);
  } else {
    fmt::print(
        "slice s{}: {} pairs walked over its own links, {} negative probes; read in {}, "
        "checked in {}\n",
        id.value, reply->pairs, reply->negative_probes, to_string(reply->read_back),
        to_string(reply->verify));
    for (const std::string& what : reply->differences) fmt::print("  differs: {}\n", what);
    if (reply->more_differences > 0) fmt::print("  and {} more\n", reply->more_differences);
    fmt::print("{}\n", good ? "the fabric holds what was asked for" : "NOT what was asked for");
  }
  return good ? exit_done : exit_verify;
}

constexpr std::array slice_verbs{
    Verb{"list", "list slices", slice_list}, Verb{"show", "one slice", slice_show},
    Verb{"verify", "read the fabric and compare", slice_verify},
    Verb{"certificate", "what was read back and measured", slice_certificate}};

}  // namespace

int verb_slice(const Arguments& arguments) {
  return dispatch("weft slice", slice_verbs, arguments);
}

}  // namespace weft::cli
