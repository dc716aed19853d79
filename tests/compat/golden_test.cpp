// One stored file of every message, fact and the snapshot (golden/NAME.bin and what it means,
// NAME.json). Later builds must read each of them to the same values. WEFT_REWRITE=1 writes files
// that are missing, for new kinds; a file that exists is never touched, because bytes like it are
// on disks and wires by then.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "schemas/codec.hpp"
#include "schemas/json.hpp"
#include "tests/compat/random_value.hpp"

namespace weft::test {
namespace {

namespace fs = std::filesystem;
const std::string folder = std::string(WEFT_SOURCE_DIR) + "/tests/compat/golden/";
constexpr std::uint64_t seed = 20261124;

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}
std::string json_of(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Everything that the file means is still there; a field that is newer than the file may be added.
void expect_contains(const Json& now, const Json& stored, const std::string& where) {
  if (stored.is_object() && now.is_object()) {
    for (const auto& [key, value] : stored.items()) {
      if (now.contains(key))
        expect_contains(now[key], value, where + "." + key);
      else
        ADD_FAILURE() << where << "." << key << " is gone";
    }
  } else if (stored.is_array() && now.is_array() && stored.size() == now.size()) {
    for (std::size_t i = 0; i < stored.size(); ++i)
      expect_contains(now[i], stored[i], where + "[" + std::to_string(i) + "]");
  } else if (stored !=
             "unknown") {  // a code's number that was given to nothing then may be known now
    EXPECT_EQ(now, stored) << where;
  }
}

class Golden : public testing::Test {
 protected:
  template <class T, class Decode>
  void check(const std::string& name, const T& sample, const Decode& decode) {
    seen_.insert(name);
    const std::string path = folder + name;
    if (std::getenv("WEFT_REWRITE") != nullptr && !fs::exists(path + ".bin")) {
      const Blob bytes = encode(sample);
      std::ofstream(path + ".bin", std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      std::ofstream(path + ".json") << json_of(to_json(sample));
    }
    const std::string text = content(path + ".bin");
    ASSERT_FALSE(text.empty()) << name << " has no golden file; run this test with WEFT_REWRITE=1";
    const auto value =
        decode(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    ASSERT_TRUE(value) << name << ": " << to_string(value.error());
    expect_contains(Json::parse(json_of(to_json(*value))), Json::parse(content(path + ".json")),
                    name);
    const auto again = decode(encode(*value));
    ASSERT_TRUE(again) << name << ": " << to_string(again.error());
    EXPECT_EQ(*again, *value) << name;
  }
  std::set<std::string> seen_;
};

TEST_F(Golden, EveryKindIsStoredAndStillReads) {
  for_each_message(seed, [&](const std::string& name, const Envelope& sample) {
    check(name, sample, [](auto bytes) { return decode_envelope(bytes); });
  });
  for_each_fact(seed, [&](const std::string& name, const JournalRecord& sample) {
    check(name, sample, [](auto bytes) { return decode_record(bytes); });
  });
  check("snapshot", random_value<Snapshot>(seed),
        [](auto bytes) { return decode_snapshot(bytes); });
  for (const auto& entry : fs::directory_iterator(folder))
    EXPECT_TRUE(seen_.contains(entry.path().stem().string()))
        << entry.path() << " is of no kind any more";
}

}  // namespace
}  // namespace weft::test
