#include "tests/fuzz/targets.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/assert.hpp"
#include "broker/fabric/import/load.hpp"
#include "broker/fabric/import/write.hpp"
#include "broker/fabric/picture/picture.hpp"
#include "broker/fabric/simulate/trace.hpp"
#include "broker/shell/frame.hpp"
#include "schemas/codec.hpp"
#include "schemas/yaml/broker_config.hpp"
#include "schemas/yaml/files.hpp"
#include "schemas/yaml/job.hpp"
#include "transport/core/header.hpp"
#include "transport/mesh/rendezvous.hpp"

namespace weft::fuzz {
namespace {

using Input = std::span<const std::uint8_t>;

std::string_view text_of(Input bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T, class Decode>
void encode_again(const Result<T>& value, const Decode& decode) {
  if (!value) {
    WEFT_ASSERT(value.error().code != Code::none, "a refusal has a code");
    return;
  }
  const auto again = decode(encode(*value));
  WEFT_ASSERT(again.has_value(), again ? "" : to_string(again.error()));
  WEFT_ASSERT(*again == *value, "what was accepted changes when it is encoded again");
}

void envelope(Input bytes) {
  const auto value = decode_envelope(bytes);
  encode_again(value, decode_envelope);
  if (value) WEFT_ASSERT(peek_envelope(bytes)->key == value->key, "the head is that of the whole");
}
void record(Input bytes) { encode_again(decode_record(bytes), decode_record); }
void snapshot(Input bytes) { encode_again(decode_snapshot(bytes), decode_snapshot); }
void reply(Input bytes) { encode_again(decode_reply(bytes), decode_reply); }

void check_problems(const std::vector<yaml::Problem>& problems) {
  for (const yaml::Problem& problem : problems) {
    WEFT_ASSERT(problem.code != Code::none && !problem.text.empty(),
                "a problem has a code and a text");
    WEFT_ASSERT(to_string(problem, "f").find('\n') == std::string::npos, "a message is one line");
  }
}
void job(Input bytes) {
  const yaml::JobFile file = yaml::read_job(text_of(bytes), "job.yaml");
  check_problems(file.problems);
  if (!file.problems.empty()) return;
  const yaml::JobFile again = yaml::read_job(yaml::print_job(file.spec), "again");
  WEFT_ASSERT(again.problems.empty(),
              again.problems.empty() ? "" : to_string(again.problems.front(), "again"));
  WEFT_ASSERT(again.spec == file.spec, "a printed job reads as another");
}
void script(Input bytes) {
  check_problems(yaml::read_script(text_of(bytes), "go.sh", {{}, {"./go.sh"}}).problems);
}
void broker_config(Input bytes) {
  const auto file = yaml::read_broker_config(text_of(bytes));
  check_problems(file.problems);
  if (!file.problems.empty()) return;
  const auto again = yaml::read_broker_config(yaml::print_broker_config(file.config));
  WEFT_ASSERT(again.problems.empty() && again.config == file.config,
              "a printed configuration reads as another");
}

// The readers take a path: the input becomes a file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(Input bytes) : fd_(::memfd_create("input", MFD_CLOEXEC)) {
    WEFT_ASSERT(fd_ >= 0 && ::fchmod(fd_, 0600) == 0, "memfd");
    WEFT_ASSERT(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                "memfd");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};
void connection(Input bytes) { (void)yaml::read_connection(MemoryFile(bytes).path()); }
void key_file(Input bytes) { (void)yaml::read_key_file(MemoryFile(bytes).path()); }

void trace(Input bytes) {
  const auto read = broker::fabric::read_trace(text_of(bytes), "t.csv");
  if (!read) {
    WEFT_ASSERT(read.error().detail.find('\n') == std::string::npos, "a message is one line");
    return;
  }
  const auto again = broker::fabric::read_trace(broker::fabric::to_csv(*read), "again");
  WEFT_ASSERT(again && *again == *read, "a written trace reads as another");
}

// Names that several nodes share were replaced when the text was first read; the second time they
// are unique.
std::vector<broker::fabric::Rail> nameless(const broker::fabric::Fabric& fabric) {
  std::vector<broker::fabric::Rail> out = fabric.rails;
  const auto blank = [](auto& elements) {
    for (auto& element : elements) element.name = element.name.empty() ? "" : "x";
  };
  for (broker::fabric::Rail& rail : out) {
    blank(rail.hosts);
    blank(rail.leaves);
    blank(rail.l2);
    blank(rail.spines);
  }
  return out;
}
// Both forms: which one it is is seen from the text.
void fabric(Input bytes) {
  namespace fabric = broker::fabric;
  const fabric::Loaded loaded = fabric::load(text_of(bytes), "f.yaml");
  check_problems(loaded.problems);
  check_problems(loaded.warnings);
  WEFT_ASSERT(loaded.fabric.has_value() == loaded.problems.empty(),
              "a fabric, or why there is none");
  if (!loaded.fabric || loaded.fabric->tree().hosts() > 4'096) return;
  (void)fabric::draw_terminal({*loaded.fabric, {}, {}});
  (void)fabric::draw_svg({*loaded.fabric, {}, {}});
  const std::string text = fabric::to_ibnetdiscover(*loaded.fabric);
  const fabric::Loaded again = fabric::load(text, "f.yaml");
  // Holes may move, or leave the fabric in two parts; what was discovered is discovered again.
  if (!loaded.from_ibnetdiscover) return;
  WEFT_ASSERT(again.fabric.has_value(),
              again.problems.empty() ? "" : to_string(again.problems.front(), "again"));
  WEFT_ASSERT(nameless(*again.fabric) == nameless(*loaded.fabric),
              "a written fabric reads as another");
}

void frames(Input bytes) {
  broker::FrameReader reader;
  while (!bytes.empty()) {
    const auto room = reader.room();
    const std::size_t size = std::min({room.size(), bytes.size(), std::size_t{1} + bytes[0]});
    std::copy_n(bytes.begin(), size, room.begin());
    reader.filled(size);
    bytes = bytes.subspan(size);
    for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
      WEFT_ASSERT((*frame)->payload.size() == (*frame)->header.length, "a whole frame");
      (void)broker::unpack_setup((*frame)->payload);
      (void)broker::unpack_allowed((*frame)->payload);
    }
  }
}

void rank_packets(Input bytes) {
  transport::Header header;
  (void)transport::read_header(bytes.data(), bytes.size(), header);
  if (const auto card = transport::decode_card(bytes)) {
    const auto again = transport::encode(*card);
    WEFT_ASSERT(again && transport::decode_card(*again) == *card,
                "a card changes when it is encoded again");
  }
  transport::Rendezvous rendezvous(0, 4);
  (void)rendezvous.add(1, bytes);
  transport::Rendezvous other(1, 4);
  (void)other.read_table(bytes);
}

constexpr std::array<Target, 13> all{{{"envelope", envelope},
                                      {"record", record},
                                      {"snapshot", snapshot},
                                      {"reply", reply},
                                      {"job", job},
                                      {"script", script},
                                      {"broker_config", broker_config},
                                      {"connection", connection},
                                      {"key_file", key_file},
                                      {"trace", trace},
                                      {"fabric", fabric},
                                      {"frames", frames},
                                      {"rank_packets", rank_packets}}};

}  // namespace

std::span<const Target> targets() { return all; }

}  // namespace weft::fuzz
