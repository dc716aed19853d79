#include "tests/process/support/bill_check.hpp"

#include <map>

namespace weft::test {

void expect_exact_bill(const Cluster& cluster, std::uint64_t job) {
  const Output verified = cluster.weft({"bill", "--verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();

  const Json bill = cluster.json({"bill", "--job", std::to_string(job)});
  ASSERT_TRUE(bill.contains("leases")) << bill.dump(1);
  ASSERT_FALSE(bill["leases"].empty()) << bill.dump(1);
  std::int64_t billed = 0;
  for (const Json& lease : bill["leases"]) {
    std::map<std::uint64_t, std::int64_t> ends;  // by node
    for (const Json& segment : lease["segments"]) {
      const auto node = segment["node"].get<std::uint64_t>();
      const auto from = segment["from"].get<std::int64_t>(), to = segment["to"].get<std::int64_t>();
      EXPECT_LE(from, to) << segment.dump();
      if (ends.contains(node)) {
        EXPECT_EQ(ends[node], from) << lease["segments"].dump(1);
      }
      ends[node] = to;
      if (segment["meter"] == "billed") billed += to - from;
    }
    const auto nodes = lease["lease"]["nodes"].size();
    EXPECT_EQ(ends.size(), nodes) << "a segment list for every node of the lease";
    EXPECT_EQ(lease["gross"].get<std::int64_t>() - lease["credits"].get<std::int64_t>(),
              lease["net"].get<std::int64_t>());
  }
  EXPECT_GT(billed, 0) << bill.dump(1);
}

}  // namespace weft::test
