#include "schemas/codec.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/compat/random_value.hpp"

namespace weft {
namespace {

using test::for_each_fact;
using test::for_each_message;
using test::Random;
using test::random_value;

TEST(Codec, SchemaAndMirrorsAgree) {
  const auto same = compare_schema_with_mirrors();
  EXPECT_TRUE(same) << to_string(same.error());
}

TEST(Codec, EveryMessageComesBackAsItWas) {
  std::size_t kinds = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    kinds = 0;
    for_each_message(seed * 1'000, [&](const std::string& name, const Envelope& value) {
      ++kinds;
      const auto back = decode_envelope(encode(value));
      ASSERT_TRUE(back) << name << ": " << to_string(back.error());
      EXPECT_EQ(*back, value) << name << " seed " << seed;
    });
  }
  EXPECT_GT(kinds, 60U);
}

TEST(Codec, EveryFactAndSnapshotComesBackAsItWas) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for_each_fact(seed * 1'000, [&](const std::string& name, const JournalRecord& value) {
      const auto back = decode_record(encode(value));
      ASSERT_TRUE(back) << name << ": " << to_string(back.error());
      EXPECT_EQ(*back, value) << name << " seed " << seed;
    });
    const auto snapshot = random_value<Snapshot>(seed);
    EXPECT_EQ(*decode_snapshot(encode(snapshot)), snapshot);
    const auto reply = random_value<Reply>(seed);
    EXPECT_EQ(*decode_reply(encode(reply)), reply);
  }
}

// Makes the k-th bounded field of a value one larger than its limit.
class Oversize {
 public:
  Oversize(std::size_t target, std::string& name) : target_(target), name_(name) {}
  template <class T>
  void operator()(const char* name, T& value, std::size_t limit = 0) {
    visit(name, value, limit);
  }
  template <class... T>
  void choice(std::variant<std::monostate, T...>& value) {
    std::visit(
        [this]<class A>(A& arm) {
          if constexpr (!std::is_same_v<A, std::monostate>) visit("", arm, 0);
        },
        value);
  }
  [[nodiscard]] std::size_t seen() const { return *seen_; }

 private:
  template <class T>
  void visit(const char* name, T& value, std::size_t limit) {
    constexpr bool blob = std::is_same_v<T, std::vector<std::uint8_t>>;
    if constexpr (std::is_same_v<T, std::string> || blob) {
      grow(name, value, limit == 0 ? limits::argument_bytes_max : limit, 64 << 10);
    } else if constexpr (requires { value.push_back(value.front()); }) {
      grow(name, value, limit, 4'096);
      if (name_.empty())
        for (auto& item : value) visit(name, item, 0);
    } else if constexpr (requires(Oversize o) { T::fields(value, o); }) {
      T::fields(value, *this);
    }
  }
  // Fields whose limit is near the size of a whole message are bounded by that.
  template <class T>
  void grow(const char* name, T& value, std::size_t limit, std::size_t largest) {
    if (limit > largest || (*seen_)++ != target_) return;
    value.resize(limit + 1);
    name_ = name;
  }
  std::size_t target_;
  std::string& name_;
  std::shared_ptr<std::size_t> seen_ = std::make_shared<std::size_t>(0);
};

TEST(Codec, EveryBoundedFieldIsRefusedByName) {
  std::size_t fields = 0;
  for_each_message(7, [&](const std::string& kind, const Envelope& value) {
    for (std::size_t k = 0;; ++k) {
      Envelope large = value;
      std::string name;
      Envelope::fields(large, Oversize(k, name));
      if (name.empty()) break;
      ++fields;
      const auto back = decode_envelope(encode(large));
      ASSERT_FALSE(back) << kind << ": " << name;
      EXPECT_EQ(back.error().code, Code::wire_limit) << kind << ": " << name;
      EXPECT_TRUE(back.error().detail.starts_with(name + ": "))
          << kind << ": " << name << ": " << back.error().detail;
    }
  });
  EXPECT_GT(fields, 200U);
}

TEST(Codec, ANewerVersionIsToldWhateverTheMessageHolds) {
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    auto envelope = random_value<Envelope>(seed);
    envelope.protocol = protocol_version + 1;
    Blob bytes = encode(envelope);
    EXPECT_EQ(decode_envelope(bytes).error().code, Code::wire_version);
    // An arm that only the newer version has: the discriminant of the root struct is in its data
    // section; any value beyond the known ones stands for it.
    envelope.body = {};
    bytes = encode(envelope);
    EXPECT_EQ(decode_envelope(bytes).error().code, Code::wire_version)
        << "an arm that this build does not know";
  }
  Envelope unknown;
  EXPECT_EQ(decode_envelope(encode(unknown)).error().code, Code::wire_unknown);
}

TEST(Codec, EnumsOutOfRangeAreRefused) {
  Envelope envelope;
  EnrollKey enroll;
  enroll.key.role = static_cast<Role>(names(Role{}).size());
  envelope.body = Request{enroll};
  const auto back = decode_envelope(encode(envelope));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::wire_unknown);
  EXPECT_TRUE(back.error().detail.starts_with("role: ")) << back.error().detail;
}

TEST(Codec, TruncatedAndMutatedBytesNeverDoHarm) {
  std::size_t refused = 0, accepted = 0;
  for_each_message(11, [&](const std::string& kind, const Envelope& value) {
    const Blob bytes = encode(value);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 40)
      EXPECT_FALSE(decode_envelope(std::span(bytes).first(size))) << kind << " cut at " << size;
    Random random(bytes.size());
    for (int round = 0; round < 60; ++round) {
      Blob mutated = bytes;
      for (std::uint64_t n = 1 + random.below(4); n > 0; --n)
        mutated[random.below(mutated.size())] = static_cast<std::uint8_t>(random.next());
      const auto back = decode_envelope(mutated);
      back ? ++accepted : ++refused;
      if (back) {
        EXPECT_EQ(*decode_envelope(encode(*back)), *back) << kind;
      }
    }
  });
  EXPECT_GT(refused, 100U);
  EXPECT_GT(accepted, 100U);
}

TEST(Codec, BytesBehindTheMessageAndOddSizesAreRefused) {
  Blob bytes = encode(random_value<Envelope>(3));
  bytes.resize(bytes.size() + 8);
  EXPECT_EQ(decode_envelope(bytes).error().code, Code::wire_malformed);
  bytes.resize(bytes.size() - 1);
  EXPECT_EQ(decode_envelope(bytes).error().code, Code::wire_malformed);
  EXPECT_EQ(decode_envelope({}).error().code, Code::wire_malformed);
  EXPECT_EQ(decode_envelope(Blob(limits::message_bytes_max + 8)).error().code, Code::wire_limit);
}

// A list of structs without any data costs its sender next to nothing and would cost us megabytes.
TEST(Codec, AListOfNothingCannotFillTheMemory) {
  Envelope envelope;
  JobList list;
  list.jobs.resize(3);
  envelope.body = Reply{list};
  Blob bytes = encode(envelope);
  // Finds the list's tag word (3 elements: 3 << 2) and claims many elements of zero size.
  bool found = false;
  for (std::size_t at = 0; at + 8 <= bytes.size() && !found; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    if ((word & 0xFFFFFFFFULL) != (3ULL << 2) || word >> 32 == 0) continue;
    const std::uint64_t claimed = 60'000ULL << 2;
    std::memcpy(bytes.data() + at, &claimed, 8);
    found = true;
  }
  ASSERT_TRUE(found);
  EXPECT_FALSE(decode_envelope(bytes));
}

}  // namespace
}  // namespace weft
