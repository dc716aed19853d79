// A random walk of rents, returns and links that go down and up against a real OpenSM on 16 hosts,
// with faults injected on the way: after every step the fabric is read and judged by judge.hpp,
// beside the driver's own verdict. Seed and steps: WEFT_WALK_SEED, WEFT_WALK_STEPS.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <random>
#include <thread>

#include "broker/fabric/heal/heal.hpp"
#include "broker/shell/drivers/opensm/reader.hpp"
#include "tests/fabric/opensm/judge.hpp"
#include "tests/fabric/opensm/lab.hpp"

namespace weft::broker::lab {
namespace {

using namespace fabric;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr std::size_t faults = 8;
constexpr std::array<const char*, faults> fault_names{
    "an over-long partition line", "a syntax error",       "a truncated table file",
    "a missing partition file",    "a missing table file", "a foreign host with a slice's key",
    "a changed P_Key index",       "a killed OpenSM"};

class Walk {
 public:
  Walk(std::uint64_t seed)
      : lab_(tree16(), 2, quick()), judge_(lab_), random_(seed), down_(tree16()) {}

  void run(std::uint64_t steps) {
    lab_.apply_well();
    for (std::uint64_t step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(fmt::format("step {}", step));
      const std::uint64_t kind = random_() % 10;
      if (kind < 4)
        rent();
      else if (kind < 6)
        give_back();
      else
        change_link();
      good();
      if (step % 10 == 9) fault(step / 10 % faults);
      say(step, kind);
    }
    fmt::print(
        "{} rents, {} returns, {} links down, {} up, {} healed ({} links, {} hosts, {} fewer, "
        "{} whole), {} given up\n",
        rents_, returns_, downs_, ups_, healed_[0] + healed_[1] + healed_[2] + healed_[3],
        healed_[0], healed_[1], healed_[2], healed_[3], lost_);
    for (std::size_t f = 0; f < faults; ++f) {
      fmt::print("{}: {} injected, {} detected\n", fault_names[f], injected_[f], detected_[f]);
      EXPECT_EQ(detected_[f], injected_[f]) << fault_names[f];
      // Where there was time for each, each was there.
      if (steps >= 10 * 2 * faults) {
        EXPECT_GT(injected_[f], 0U) << fault_names[f];
      }
    }
  }

 private:
  void say(std::uint64_t step, std::uint64_t kind) {
    if (std::getenv("WEFT_WALK_VERBOSE") == nullptr) return;
    const auto now = std::chrono::steady_clock::now();
    fmt::print("step {}{}: {}, {} slices, {} links down, {} ms\n", step,
               step % 10 == 9 ? " and a fault" : "",
               kind < 4   ? "rent"
               : kind < 6 ? "return"
                          : "link",
               lab_.slices.size(), lab_.failed.leaves.size(),
               std::chrono::duration_cast<std::chrono::milliseconds>(now - said_).count());
    std::fflush(stdout);
    said_ = now;
  }

  static OpenSmOptions quick() {
    OpenSmOptions out;
    out.settle_max = seconds(8);  // a busy machine; a good reload takes 20 ms
    return out;
  }

  Masks usable() const {
    Masks out = present(lab_.fabric.rails[0]);
    out.shield(lab_.failed);
    return out;
  }

  // After each step: no difference, by the driver and by the judge.
  void good() {
    const auto verified = lab_.verify();
    ASSERT_TRUE(verified) << verified.error().detail;
    EXPECT_TRUE(verified->report.differences.empty()) << words(verified->report);
    EXPECT_EQ(judge_.wrong(lab_.slices, usable()), "");
  }

  void rent() {
    const std::uint64_t id = lab_.rent(static_cast<std::uint32_t>(1 + random_() % 8));
    if (id == 0) return;
    ++rents_;
    lab_.apply_well({id});
  }

  void give_back() {
    if (lab_.slices.empty()) return;
    ++returns_;
    lab_.give_back(lab_.slices[random_() % lab_.slices.size()].slice);
    // Sometimes something new comes in the same transition, and may get the same hosts.
    const bool both = random_() % 2 == 0;
    const std::uint64_t id = both ? lab_.rent(static_cast<std::uint32_t>(1 + random_() % 8)) : 0;
    lab_.apply_well(id == 0 ? std::vector<std::uint64_t>{} : std::vector{id});
  }

  void change_link() {
    const auto leaf = static_cast<std::uint32_t>(random_() % 4);
    const auto i = static_cast<std::uint32_t>(random_() % 4);
    const std::uint64_t bit = std::uint64_t{1} << i;
    const bool was_down = (down_.leaf_up(leaf) & bit) == 0;
    // A leaf keeps two uplinks at least, and the fabric hangs together.
    if (!was_down && (count(down_.leaf_up(leaf)) < 3 || splits(leaf, bit))) return;
    Cut link;
    link.leaves.push_back({leaf, 0, bit});
    if (was_down) {
      ASSERT_TRUE(lab_.sim->relink({Tier::leaf, leaf}, i));
      down_.give_back(link);
      seen(FabricEvent::What::link_up, link);
      ++ups_;
      forget(leaf, bit);
      lab_.masks.give_back(link);
      lab_.apply_well();
      return;
    }
    ASSERT_TRUE(lab_.sim->unlink({Tier::leaf, leaf}, i));
    down_.take(link);
    seen(FabricEvent::What::link_down, link);
    ++downs_;
    lab_.failed.leaves.push_back({leaf, 0, bit});
    for (auto& s : lab_.slices)
      for (const Cut::Leaf& l : s.cut.leaves)
        if (l.leaf == leaf && (l.up & bit) != 0) return heal_slice(s, link);
    lab_.masks.take(link);
    lab_.apply_well();
  }

  // Whether some leaf could no longer be reached from the manager's without this uplink.
  bool splits(std::uint32_t leaf, std::uint64_t bit) const {
    const auto up = [&](std::uint32_t l) { return down_.leaf_up(l) & ~(l == leaf ? bit : 0); };
    std::uint64_t reached = up(0);  // L2 switches
    for (int round = 0; round < 4; ++round)
      for (std::uint32_t l = 0; l < 4; ++l)
        if ((up(l) & reached) != 0) reached |= up(l);
    for (std::uint32_t l = 0; l < 4; ++l)
      if ((up(l) & reached) == 0) return true;
    return false;
  }

  void heal_slice(Placed& s, const Cut& link) {
    lab_.masks.give_back(s.cut);
    lab_.masks.take(link);
    const std::uint64_t id = s.slice;
    if (auto healed = heal(lab_.masks, s.cut)) {
      ++healed_[static_cast<std::size_t>(healed->how)];
      lab_.masks.take(healed->cut);
      s.cut = std::move(healed->cut);
      lab_.apply_well({id});
      return;
    }
    ++lost_;
    std::erase_if(lab_.slices, [&](const Placed& p) { return p.slice == id; });
    lab_.apply_well();
  }

  // The driver sees it, within a time.
  void seen(FabricEvent::What what, const Cut& link) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < until) {
      const auto events = lab_.driver->watch(seconds(1));
      ASSERT_TRUE(events);
      for (const FabricEvent& e : *events)
        if (e.what == what && e.links == link) return;
    }
    FAIL() << "the driver did not see uplink " << std::countr_zero(link.leaves[0].up) << " of leaf "
           << link.leaves[0].leaf << (what == FabricEvent::What::link_up ? " come up" : " go down")
           << "; usable: "
           << fmt::format("{:#x} {:#x} {:#x} {:#x}", down_.leaf_up(0), down_.leaf_up(1),
                          down_.leaf_up(2), down_.leaf_up(3));
  }

  void forget(std::uint32_t leaf, std::uint64_t bit) {
    std::erase_if(lab_.failed.leaves,
                  [&](const Cut::Leaf& l) { return l.leaf == leaf && l.up == bit; });
  }

  // Behind weft's back something changes; the driver must see it, and can put it right.
  void fault(std::size_t which);
  void until_seen(std::size_t which);
  bool detects();
  void move_index();
  bool reloaded_to(const std::string& partitions, std::uint32_t host,
                   const std::vector<std::uint16_t>& want);

  Lab lab_;
  Judge judge_;
  std::mt19937_64 random_;
  Masks down_;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
  std::uint64_t rents_ = 0, returns_ = 0, downs_ = 0, ups_ = 0, lost_ = 0;
  std::uint64_t healed_[4] = {};
  std::array<std::uint64_t, faults> injected_{}, detected_{};
};

bool Walk::detects() {
  const auto verified = lab_.verify();
  return !verified || !verified->report.differences.empty();
}

void Walk::until_seen(std::size_t which) {
  ++injected_[which];
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (int tries = 1; !detects(); ++tries) {
    if (tries % 100 == 0) lab_.hup();  // it may not have heard the first one
    if (std::chrono::steady_clock::now() > until) {
      ADD_FAILURE() << fault_names[which]
                    << " is not seen; the judge says: " << judge_.wrong(lab_.slices, usable());
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ++detected_[which];
}

bool Walk::reloaded_to(const std::string& partitions, std::uint32_t host,
                       const std::vector<std::uint16_t>& want) {
  lab_.write("partitions.conf", partitions);
  lab_.hup();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (int tries = 1; judge_.keys_of(host) != want; ++tries) {
    if (tries % 100 == 0) lab_.hup();  // it may not have heard the first one
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// The slice loses its key for a moment, another key takes its place in the table, and goes. The
// set of keys is the same afterwards, so it is no difference; what was looked up before is wrong.
void Walk::move_index() {
  const Placed& s = lab_.slices[0];
  const Cut::Leaf& leaf = s.cut.leaves[0];
  const auto host = leaf.leaf * 4 + static_cast<std::uint32_t>(std::countr_zero(leaf.hosts));
  const std::uint16_t key = s.key | 0x8000;
  const std::string good = lab_.read("partitions.conf");
  const std::string bare = "Default=0x7fff : ALL=limited, SELF=full ;\n";
  const std::string other = fmt::format("x=0x0fff, defmember=full : 0x{:016x} ;\n",
                                        lab_.fabric.rails[0].hosts[host].port_guid);
  auto& driver = static_cast<OpenSmDriver&>(*lab_.driver);
  const int before = driver.key_index(host, key);
  ASSERT_TRUE(reloaded_to(bare, host, {0x7fff}));
  // OpenSM remembers the place of a key that is gone, until it is started anew.
  lab_.sim->kill_manager();
  lab_.write("partitions.conf", bare + other);
  ASSERT_TRUE(lab_.sim->start_manager());
  ASSERT_TRUE(reloaded_to(bare + other, host, {0x7fff, 0x8fff}));
  ASSERT_TRUE(reloaded_to(good + other, host, {0x7fff, key, 0x8fff}));
  ASSERT_TRUE(reloaded_to(good, host, {0x7fff, key}));
  const int after = driver.key_index(host, key);
  if (after == before) return;  // it had the second place already
  ++injected_[6];
  if (after > 0) ++detected_[6];  // found where it is now, by value
}

void Walk::fault(std::size_t which) {
  if (lab_.slices.empty() && lab_.rent(5) == 0) return;
  lab_.apply_well();
  if (std::ranges::all_of(lab_.slices, [](const Placed& s) { return s.cut.leaves.size() < 2; }))
    if (const std::uint64_t id = lab_.rent(5); id != 0) lab_.apply_well({id});
  const bool wide =
      std::ranges::any_of(lab_.slices, [](const Placed& s) { return s.cut.leaves.size() > 1; });
  const std::string partitions = lab_.read("partitions.conf"), tables = lab_.read("lfts.txt");
  switch (which) {
    case 0: {  // more than 4,094 bytes
      std::string line = "s9=0x0b01, defmember=full : 0x0002c90100000001";
      while (line.size() < 5'000) line += ", 0x0002c90100000001";
      lab_.write("partitions.conf", partitions + line + " ;\n");
      lab_.hup();
      until_seen(which);
      break;
    }
    case 1:
      lab_.write("partitions.conf", partitions + "s9=0x0b01, defmember=full : nonsense ;\n");
      lab_.hup();
      until_seen(which);
      break;
    case 2:  // right up to the header of the first switch, whose table is so empty
      if (!wide) return;
      lab_.write("lfts.txt", tables.substr(0, tables.find("0x0001 ")));
      lab_.hup();
      until_seen(which);
      break;
    case 3:
      ::unlink(lab_.file("partitions.conf").c_str());
      lab_.hup();
      until_seen(which);
      break;
    case 4:
      // OpenSM keeps its old tables then, and those are right: what is to be seen is that a
      // transition is not built on it. The file is weft's again after the next one.
      ::unlink(lab_.file("lfts.txt").c_str());
      lab_.hup();
      ++injected_[which];
      lab_.apply_well();
      if (lab_.read("lfts.txt") == tables) ++detected_[which];
      break;
    case 5: {  // a key of weft's is given to one more host, at whatever index
      const Placed& s = lab_.slices[0];
      std::uint32_t h = 1;
      const auto member = [&](const Cut::Leaf& l) {
        return l.leaf == h / 4 && (l.hosts >> h % 4 & 1) != 0;
      };
      while (std::ranges::any_of(s.cut.leaves, member)) ++h;
      lab_.write("partitions.conf",
                 partitions + fmt::format("s{}=0x{:04x}, defmember=full : 0x{:016x} ;\n", s.slice,
                                          s.key, lab_.fabric.rails[0].hosts[h].port_guid));
      lab_.hup();
      until_seen(which);
      break;
    }
    case 6:
      move_index();
      good();
      break;
    default: {
      lab_.sim->kill_manager();
      ++injected_[which];
      const auto applied = lab_.apply({lab_.slices[0].slice});
      const auto events = lab_.driver->watch(seconds(2));
      bool lost = false;
      for (const auto& e : *events) lost |= e.what == FabricEvent::What::manager_lost;
      if (lost && detects() && !applied && applied.error().code == Code::fabric_manager)
        ++detected_[which];
      ASSERT_TRUE(lab_.sim->start_manager());
      break;
    }
  }
  // The partitions stay as they are: the driver is to notice that and put them right itself.
  if (which < 6 && which != 4) lab_.write("lfts.txt", tables);
  lab_.apply_well({lab_.slices[0].slice});
  good();
}

TEST(OpenSmWalk, StepsAndFaults) {
  const std::uint64_t steps = number_from("WEFT_WALK_STEPS", 100);
  in_lab(
      [steps] {
        const std::uint64_t seed = number_from("WEFT_WALK_SEED", 1);
        fmt::print("seed {}\n", seed);
        Walk(seed).run(steps);
      },
      static_cast<int>(60 + 2 * steps));
}

// P_Keys move to other indices; what counts is their value.
TEST(OpenSmWalk, AKeyAtAnotherIndexIsFoundByValue) {
  in_lab([] {
    Lab lab(tree16(), 2);
    lab.apply_well();
    const std::uint64_t first = lab.rent(5);
    lab.apply_well({first});
    // A second partition takes the place before it: s1's host is put in another partition first.
    const Placed slice = lab.slice(first);
    const std::uint32_t host =
        slice.cut.leaves[0].leaf * 4 +
        static_cast<std::uint32_t>(std::countr_zero(slice.cut.leaves[0].hosts));
    auto reader = FabricReader::make(lab.fabric.rails[0], lab.port());
    ASSERT_TRUE(reader);
    const int before = reader->key_index(host, slice.key | 0x8000);
    EXPECT_GE(before, 0);
    // Changed hands several times: a re-slice with another key and back.
    std::set<int> indices{before};
    for (const std::uint16_t key : {0x0b01, 0x0a01, 0x0c01}) {
      lab.slices[0].key = key;
      lab.apply_well({first});
      indices.insert(reader->key_index(host, key | 0x8000));
    }
    EXPECT_FALSE(indices.contains(-1));
  });
}

}  // namespace
}  // namespace weft::broker::lab
