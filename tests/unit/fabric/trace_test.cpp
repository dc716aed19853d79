// The norm traces are defined to the bit: their fingerprints are in docs/specs/005-slices.md.
#include "broker/fabric/simulate/trace.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/digest.hpp"
#include "broker/fabric/tree/tree.hpp"

namespace weft::broker::fabric {
namespace {

std::string fingerprint(const Trace& trace) {
  std::string text;
  for (const TraceJob& job : trace) text += fmt::format("{} {}\n", job.size, job.runtime_s);
  const Digest sum = sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return to_hex(sum).substr(0, 16);
}

TEST(Trace, HasTheFingerprintsOfTheNorm) {
  const auto synth = [](std::uint32_t radix) {
    return synth_trace(radix, 10'000, 1, tree_of_radix(radix).hosts());
  };
  EXPECT_EQ(fingerprint(synth(16)), "1af90c775873009e");
  EXPECT_EQ(fingerprint(synth(22)), "fe8dbeb55012c935");
  EXPECT_EQ(fingerprint(synth(28)), "3feeca693851275e");
  EXPECT_EQ(fingerprint(synth(36)), "a353b6d4f5d09ba7");
  EXPECT_EQ(fingerprint(ai_trace(10'000, 1, tree_of_radix(36).hosts())), "91acec4ef26b96ab");
}

TEST(Trace, IsReadAsItIsWritten) {
  Trace trace = synth_trace(5, 100, 7, 64);
  trace[3].arrival_s = 12;
  trace[2].arrival_s = 12;
  const auto read = read_trace(to_csv(trace), "t.csv");
  ASSERT_TRUE(read.has_value()) << read.error().detail;
  EXPECT_EQ(read->size(), trace.size());
  EXPECT_EQ((*read)[98], trace[2]) << "sorted by arrival";
  EXPECT_EQ((*read)[99], trace[3]) << "equal ones stay in order";
}

TEST(Trace, NamesTheLineOfWhatIsWrong) {
  const std::string head = "job,arrival_s,size,runtime_s\n";
  const std::pair<std::string, const char*> wrong[] = {
      {"", "t.csv: empty; the first line must be: job,"},
      {"job,size\n", "t.csv:1: the first line must be: job,arrival_s,size,runtime_s"},
      {head + "1,0,2,3\n2,0,2\n", "t.csv:3: 4 columns are wanted"},
      {head + "1,0,2,3,4\n", "t.csv:2: 4 columns are wanted"},
      {head + "1,0,x,3\n", "t.csv:2: size: 'x' is not a whole number"},
      {head + "1,0,2.5,3\n", "t.csv:2: size: '2.5' is not a whole number"},
      {head + "1,0,0,3\n", "t.csv:2: size: 0; allowed are 1 to"},
      {head + "1,-1,1,3\n", "t.csv:2: arrival_s: -1; allowed are 0 to"},
      {head + "1,0,1,99999999999999999999\n", "t.csv:2: runtime_s: '99999999999999999999' is not"},
      {head + "1,0,1,2000000000\n", "t.csv:2: runtime_s: 2000000000; allowed are 1 to"},
      {std::string("\0\xff,", 3), "t.csv:1: the first line"},
  };
  for (const auto& [text, message] : wrong) {
    const auto read = read_trace(text, "t.csv");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_THAT(read.error().detail, testing::HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace weft::broker::fabric
