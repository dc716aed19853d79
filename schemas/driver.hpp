// What the broker tells its fabric driver, a child process, and what that answers. One order is
// under way at a time; every order is answered by exactly one DriverAnswered with its ticket.
#pragma once
#include <variant>

#include "schemas/client.hpp"

namespace weft {

struct PlacedSlice {
  std::uint64_t slice = 0;  // number of its lease
  std::uint32_t key = 0;
  Links links;
  bool operator==(const PlacedSlice&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("slice", s.slice);
    v("key", s.key);
    v("links", s.links);
  }
};
struct ApplySlices {  // the fabric shall hold exactly these
  std::uint64_t ticket = 0;
  Epoch epoch;
  std::vector<PlacedSlice> slices;
  std::vector<std::uint64_t> fresh;  // those that are new or changed: verified in full
  Links failed;                      // known to be down
  WEFT_MESSAGE(ApplySlices, "apply_slices")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("epoch", s.epoch);
    v("slices", s.slices, limits::jobs_live_max);
    v("fresh", s.fresh, limits::jobs_live_max);
    v("failed", s.failed);
  }
};
struct CheckSlices {  // read the fabric again
  std::uint64_t ticket = 0;
  std::vector<std::uint64_t> slices;
  WEFT_MESSAGE(CheckSlices, "check_slices")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("slices", s.slices, limits::jobs_live_max);
  }
};
using DriverOrderBody = std::variant<std::monostate, ApplySlices, CheckSlices>;
struct DriverOrder {
  static constexpr const char* name = "driver_order";
  DriverOrderBody body;
  bool operator==(const DriverOrder&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

struct SliceDiffers {
  std::uint64_t slice = 0;  // 0: none in particular
  std::string what;
  bool operator==(const SliceDiffers&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("slice", s.slice);
    v("what", s.what, limits::text_bytes_max);
  }
};
struct DriverAnswered {
  std::uint64_t ticket = 0;
  Code code{};  // none: it was done, and what was read back is below
  std::string detail;
  std::vector<SliceDiffers> differences;
  std::uint64_t more_differences = 0, pairs = 0, negative_probes = 0;
  Duration plan, apply, read_back, verify;
  WEFT_MESSAGE(DriverAnswered, "driver_answered")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("ticket", s.ticket);
    v("code", s.code);
    v("detail", s.detail, limits::text_bytes_max);
    v("differences", s.differences, limits::differences_max);
    v("more_differences", s.more_differences);
    v("pairs", s.pairs);
    v("negative_probes", s.negative_probes);
    v("plan", s.plan);
    v("apply", s.apply);
    v("read_back", s.read_back);
    v("verify", s.verify);
  }
};
struct FabricChanged {  // seen by the driver, asked for by nobody
  Links down, up;
  bool program_again = false;  // the fabric may have lost what it was told
  std::string text;
  WEFT_MESSAGE(FabricChanged, "fabric_changed")
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v("down", s.down);
    v("up", s.up);
    v("program_again", s.program_again);
    v("text", s.text, limits::text_bytes_max);
  }
};
using DriverSaysBody = std::variant<std::monostate, DriverAnswered, FabricChanged>;
struct DriverSays {
  static constexpr const char* name = "driver_says";
  DriverSaysBody body;
  bool operator==(const DriverSays&) const = default;
  template <class S, class V>
  static void fields(S& s, V&& v) {
    v.choice(s.body);
  }
};

}  // namespace weft
