// A fabric driver programs slices into a fabric and reads back what the fabric really holds.
// Order of a transition: (1) the ranks on what leaves are gone (the caller has seen to it); (2)
// keys and admission of what leaves are taken away, read back; (3) forwarding; (4) keys and
// admission of what comes; (5) read back and verify. Slices that stay keep their keys and routes as
// they are. Nothing is handed out before (5). A key value is used again only after (2) has been
// verified. Thread: one, not the loop's: calls take milliseconds to seconds.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "broker/fabric/model/fabric.hpp"
#include "broker/fabric/routes/routes.hpp"
#include "broker/fabric/verify/verify.hpp"

namespace weft::broker {

enum class Isolation : std::uint8_t { recorded, enforced };  // recorded: by nobody but the books

struct Transition {
  Epoch epoch;                         // of the broker; older ones than the last are refused
  std::vector<fabric::Placed> slices;  // all that are to be there afterwards
  std::vector<std::uint64_t> fresh;    // those of them that are new or changed: verified in full
  fabric::Cut failed;                  // links that are known to be down
};

struct Phases {  // milliseconds
  std::int64_t plan = 0, apply = 0, read_back = 0, verify = 0;
};

struct Applied {  // of a transition or a verification
  fabric::VerifyReport report;
  Phases phases;
};

struct FabricEvent {
  enum class What : std::uint8_t {
    link_down,
    link_up,
    host_lost,
    manager_restarted,
    manager_lost,
    denied  // a host tried to reach what is not its slice's, and was refused
  } what{};
  fabric::Cut links;  // the links concerned, both ends as one
  std::string text;   // for people, with names and ports
  static constexpr std::uint32_t nobody = UINT32_MAX;
  std::uint32_t from = nobody, to = nobody;  // hosts: of denied; from: of host_lost too
  std::uint64_t attempts = 0;                // of denied: seen since the last call
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual std::string_view name() const = 0;
  virtual Isolation isolation() const = 0;
  // Brings the fabric to exactly `target`; idempotent. A difference is in the report, not an error;
  // an error means that the fabric (manager) could not be reached or refused, within the time
  // limit.
  virtual Result<Applied> apply(const Transition& target) = 0;
  // Reads the fabric again and checks those slices against all that were applied last.
  virtual Result<Applied> verify(std::span<const std::uint64_t> slices) = 0;
  // What has happened to the fabric since the last call; waits up to `patience` for something.
  virtual Result<std::vector<FabricEvent>> watch(Duration patience) = 0;
};

}  // namespace weft::broker
