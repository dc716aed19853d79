#include "worker/shell/attempt_dir.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "schemas/codec.hpp"
#include "worker/shell/files.hpp"

namespace weft::worker {
namespace {

std::string_view text_of(const Blob& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<Envelope> load(const std::string& path) {
  const auto text = read_file(path, limits::message_bytes_max);
  if (!text) return tl::make_unexpected(text.error());
  auto envelope =
      decode_envelope(std::span(reinterpret_cast<const std::uint8_t*>(text->data()), text->size()));
  if (!envelope) return fail(Code::state_dir, path + ": " + to_string(envelope.error()));
  return envelope;
}

void for_each_entry(const std::string& path, const std::function<void(const std::string&)>& visit) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") visit(name);
  }
  ::closedir(folder);
}

}  // namespace

Result<void> store_order(const Options& options, const Prepare& order) {
  const std::string path = options.attempt_dir(order.attempt);
  if (const auto made = make_directory(path, 0710); !made) return made;
  if (options.job_users && ::chown(path.c_str(), 0, options.job_uid(order.job)) != 0)
    return tl::make_unexpected(errno_error(Code::state_dir, path, errno));
  Envelope envelope;
  envelope.body = Order{order};
  return write_file(path + "/order", text_of(encode(envelope)), false);
}

Result<Prepare> load_order(const Options& options, AttemptId attempt) {
  const std::string path = options.attempt_dir(attempt) + "/order";
  const auto envelope = load(path);
  if (!envelope) return tl::make_unexpected(envelope.error());
  const auto* order = std::get_if<Order>(&envelope->body);
  const auto* prepare = order == nullptr ? nullptr : std::get_if<Prepare>(&order->body);
  if (prepare == nullptr || prepare->attempt != attempt)
    return fail(Code::state_dir, path + ": not this attempt's order");
  return *prepare;
}

// Without fsync: what it tells of dies in a power cut anyhow.
Result<void> store_state(const Options& options, const HolderState& state) {
  Envelope envelope;
  envelope.body = state;
  return write_file(options.attempt_dir(state.attempt) + "/state", text_of(encode(envelope)),
                    false);
}

Result<HolderState> load_state(const Options& options, AttemptId attempt) {
  const std::string path = options.attempt_dir(attempt) + "/state";
  const auto envelope = load(path);
  if (!envelope) return tl::make_unexpected(envelope.error());
  const auto* state = std::get_if<HolderState>(&envelope->body);
  if (state == nullptr || state->attempt != attempt)
    return fail(Code::state_dir, path + ": not this attempt's state");
  return *state;
}

void mark_forgotten(const Options& options, AttemptId attempt) {
  (void)write_file(options.attempt_dir(attempt) + "/forgotten", "", false);
}
bool is_forgotten(const Options& options, AttemptId attempt) {
  return ::access((options.attempt_dir(attempt) + "/forgotten").c_str(), F_OK) == 0;
}

std::vector<AttemptId> list_attempts(const Options& options) {
  std::vector<AttemptId> out;
  for_each_entry(options.attempts(), [&](const std::string& name) {
    char* end = nullptr;
    const AttemptId id{std::strtoull(name.c_str(), &end, 10)};
    if (id && *end == '\0') out.push_back(id);
  });
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t bytes_of_attempt(const Options& options, AttemptId attempt) {
  const std::string path = options.attempt_dir(attempt);
  std::uint64_t bytes = 0;
  for_each_entry(path, [&](const std::string& name) {
    struct stat found{};
    if (::lstat((path + "/" + name).c_str(), &found) == 0)
      bytes += static_cast<std::uint64_t>(found.st_blocks) * 512;
  });
  return bytes;
}

void remove_attempt(const Options& options, AttemptId attempt) {
  const std::string path = options.attempt_dir(attempt);
  for_each_entry(path, [&](const std::string& name) { ::unlink((path + "/" + name).c_str()); });
  ::rmdir(path.c_str());
}

std::string log_path(const Options& options, AttemptId attempt, std::uint32_t rank, bool errors) {
  return fmt::format("{}/rank-{}.{}", options.attempt_dir(attempt), rank, errors ? "err" : "out");
}

}  // namespace weft::worker
